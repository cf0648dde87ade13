//! What the screen is run with: command line over environment over config file. Made once by the command line, read by the screen.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// Whether to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Color {
    /// As the terminal and `NO_COLOR` say.
    #[default]
    Auto,
    /// Even where it seems unwanted.
    Always,
    /// None.
    Never,
}

/// The settings of a run.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Name or file of the colour theme; the default one when absent.
    pub theme: Option<String>,
    /// Folder of the user's themes.
    pub theme_folder: Option<PathBuf>,
    /// Draw with ASCII alone.
    pub ascii: bool,
    /// Whether to use colour.
    pub color: Color,
    /// Take the mouse: clicks and the wheel.
    pub mouse: bool,
    /// Keys by action, over the built-in ones.
    pub keys: BTreeMap<String, Vec<String>>,
    /// How often an application that is followed is looked at; `None`: as its source sees fit.
    pub refresh: Option<Duration>,
    /// Folder for snapshots.
    pub snapshot_dir: PathBuf,
}

/// Whether the locale says that the terminal shows UTF-8: the first of `LC_ALL`, `LC_CTYPE`, `LANG` that is set decides; none is
/// taken for one that does.
pub fn locale_is_utf8(variable: impl Fn(&str) -> Option<String>) -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(|name| variable(name).filter(|text| !text.is_empty()));
    locale.is_none_or(|text| {
        let text = text.to_ascii_lowercase();
        text.contains("utf-8") || text.contains("utf8")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_variable_that_is_set_tells_the_locale() {
        let with = |set: &'static [(&str, &str)]| {
            locale_is_utf8(|name| {
                set.iter()
                    .find(|(known, _)| *known == name)
                    .map(|(_, value)| (*value).to_owned())
            })
        };
        assert!(with(&[]));
        assert!(with(&[("LANG", "de_DE.UTF-8")]));
        assert!(!with(&[("LANG", "C")]));
        assert!(!with(&[("LC_ALL", "POSIX"), ("LANG", "en_US.utf8")]));
        assert!(with(&[("LC_ALL", ""), ("LC_CTYPE", "C.UTF-8"), ("LANG", "C")]));
    }
}
