//! Waiting for what comes over the network, from where everything blocks: for a bounded time, and no longer than the user wants.

use std::io;
use std::time::Duration;

use crate::source::rest::{block_on, stoppable};
use crate::source::{Progress, SourceError};

/// Blocks until the work is done; `None` when that takes too long.
///
/// # Errors
/// When the user stops it.
pub fn within<T>(progress: &Progress, patience: Duration, work: impl Future<Output = T>) -> io::Result<Option<T>> {
    let waited = block_on(async {
        match stoppable(progress, tokio::time::timeout(patience, work)).await {
            Ok(done) => Ok(done.ok()),
            Err(_) => Err(SourceError::Cancelled),
        }
    });
    waited.map_err(|error| io::Error::other(error.to_string()))
}
