//! Writes a snapshot of a screen or a report into a folder: whole or not at all, readable by its owner alone, never over
//! another file. The screen calls it when a person asks for an export.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

/// The longest name that is given, in characters.
const NAME_MAX: usize = 100;
/// How many names are tried when several snapshots fall into the same second.
const TRIES: u32 = 100;

/// A snapshot that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write a snapshot into {}: {error}; choose another folder with --snapshot-dir", folder.display())]
pub struct SnapshotError {
    folder: PathBuf,
    error: io::Error,
}

/// Writes `text` as `skewer-<application>-<screen>-<time>.txt` into `folder` and gives the path. The name keeps letters,
/// digits, `.`, `_` and `-` alone. The file appears complete, mode 0600; one that exists is left as it is and another name taken.
///
/// # Errors
/// When the folder does not exist, may not be written or is full.
pub fn write(
    folder: &Path,
    application: &str,
    screen: &str,
    now: Timestamp,
    text: &str,
) -> Result<PathBuf, SnapshotError> {
    write_new(folder, &stem(application, screen, now), text).map_err(|error| SnapshotError {
        folder: folder.to_owned(),
        error,
    })
}

fn write_new(folder: &Path, stem: &str, text: &str) -> io::Result<PathBuf> {
    // The folder's own file system, so that the rename is atomic; tempfile creates with mode 0600 and removes it on failure.
    let mut file = tempfile::Builder::new()
        .prefix(".skewer-")
        .suffix(".tmp")
        .tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    for again in 1..=TRIES {
        let name = if again == 1 {
            format!("{stem}.txt")
        } else {
            format!("{stem}-{again}.txt")
        };
        let path = folder.join(name);
        match file.persist_noclobber(&path) {
            Ok(_) => return Ok(path),
            Err(taken) if taken.error.kind() == io::ErrorKind::AlreadyExists => file = taken.file,
            Err(other) => return Err(other.error),
        }
    }
    Err(io::Error::new(
        io::ErrorKind::AlreadyExists,
        format!("{stem}.txt and {TRIES} names like it are taken"),
    ))
}

/// The file's name without its ending, at most [`NAME_MAX`] characters with it.
fn stem(application: &str, screen: &str, now: Timestamp) -> String {
    let time = now.strftime("%Y%m%dT%H%M%SZ");
    let fixed = format!("skewer---{time}-{TRIES}.txt").len();
    let screen = allowed(screen, 24);
    let application = allowed(application, NAME_MAX - fixed - screen.len());
    format!("skewer-{application}-{screen}-{time}")
}

/// The text with every character outside the allow-list replaced, cut to `max` characters (all ASCII).
fn allowed(text: &str, max: usize) -> String {
    let ok = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let name: String = text.chars().map(|c| if ok(c) { c } else { '_' }).take(max).collect();
    if name.is_empty() { "none".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-21T02:14:07Z".parse().unwrap()
    }

    #[test]
    fn a_name_holds_only_the_allow_list_and_is_short() {
        assert_eq!(
            stem("app-1", "stage 3.0", now()),
            "skewer-app-1-stage_3.0-20261121T021407Z"
        );
        assert_eq!(
            stem("../../etc/passwd", "", now()),
            "skewer-.._.._etc_passwd-none-20261121T021407Z"
        );
        let long = stem(&"é/".repeat(500), &"x".repeat(500), now());
        assert!(format!("{long}-{TRIES}.txt").len() <= NAME_MAX, "{long}");
    }

    #[cfg(unix)]
    #[test]
    fn a_snapshot_is_private_complete_and_overwrites_nothing() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let first = write(folder.path(), "app", "overview", now(), "one").unwrap();
        let second = write(folder.path(), "app", "overview", now(), "two").unwrap();
        assert_ne!(first, second);
        assert_eq!(std::fs::read_to_string(&first).unwrap(), "one");
        assert_eq!(std::fs::read_to_string(&second).unwrap(), "two");
        assert_eq!(std::fs::metadata(&first).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(
            std::fs::read_dir(folder.path()).unwrap().count(),
            2,
            "no temporary file stays"
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_link_at_the_name_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("precious");
        std::fs::write(&target, "keep").unwrap();
        let name = format!("{}.txt", stem("app", "overview", now()));
        std::os::unix::fs::symlink(&target, folder.path().join(name)).unwrap();
        let written = write(folder.path(), "app", "overview", now(), "new").unwrap();
        assert!(written.ends_with("skewer-app-overview-20261121T021407Z-2.txt"));
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "keep");
    }

    #[test]
    fn a_missing_folder_is_named() {
        let error = write(Path::new("/no/such/folder"), "app", "overview", now(), "x").unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("cannot write a snapshot into /no/such/folder: "),
            "{error}"
        );
    }
}
