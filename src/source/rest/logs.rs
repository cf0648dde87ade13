//! An application's event log as the history server zips it (`…/logs`): downloaded to a file without a name.

use std::fs::File;
use std::io::{Seek, Write};

use url::Url;

use super::http::{Http, Want};
use super::trouble::Trouble;
use crate::source::{Phase, Progress};

/// Downloads a zip of at most `limit` bytes.
pub(super) async fn download(
    http: &Http,
    url: &Url,
    what: &str,
    limit: u64,
    progress: &Progress,
) -> Result<File, Trouble> {
    http.retried(progress, || async {
        let mut body = http.get(url, Want::File, progress).await?;
        let total = body.announced().unwrap_or(0);
        if total > limit {
            return Err(Trouble::TooLarge(limit));
        }
        progress.enter(Phase::Downloading, what, total);
        let unwritable =
            |error: std::io::Error| Trouble::Unexpected(format!("it cannot be kept in a temporary file ({error})"));
        let mut file = tempfile::tempfile().map_err(unwritable)?;
        let mut length = 0;
        while let Some(piece) = body.next(progress).await? {
            length += piece.len() as u64;
            if length > limit {
                return Err(Trouble::TooLarge(limit));
            }
            file.write_all(&piece).map_err(unwritable)?;
        }
        // 22 bytes are a zip without entries: what a driver's own server answers.
        if length <= 22 {
            return Err(Trouble::Unexpected("the zip is empty".to_owned()));
        }
        file.rewind().map_err(unwritable)?;
        Ok(file)
    })
    .await
}
