//! Which themes there are: those built in, and the user's own files in the config folder. Reads files: called before the screen
//! starts, and on a thread of its own while it is up.

use std::fs;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use super::{ColorLevel, Theme, ThemeError, file};
use crate::text::clean_line;

/// The theme when none is named.
pub const DEFAULT: &str = "dark";

/// The theme without colours.
pub const MONOCHROME: &str = "monochrome";

/// Bytes of a theme file that are read at most; the built-in ones take two thousand.
const LARGEST: u64 = 1 << 20;

/// The built-in themes; a new one is a file and a line here.
const BUILT_IN: &[(&str, &str)] = &[
    (DEFAULT, include_str!("../../../themes/dark.toml")),
    ("light", include_str!("../../../themes/light.toml")),
    ("high-contrast", include_str!("../../../themes/high-contrast.toml")),
    (
        "color-blind-safe",
        include_str!("../../../themes/color-blind-safe.toml"),
    ),
    ("16-color", include_str!("../../../themes/16-color.toml")),
    (MONOCHROME, include_str!("../../../themes/monochrome.toml")),
];

/// A theme to choose.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    /// Its name, for `--theme` and the config file.
    pub name: String,
    /// The user's file; `None`: built in.
    pub file: Option<PathBuf>,
    /// What the file says about itself: its first comment.
    pub about: String,
    /// The theme, or why it cannot be used.
    pub theme: Result<Theme, ThemeError>,
}

/// The names of the built-in themes.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    BUILT_IN.iter().map(|(name, _)| *name)
}

/// The text of a built-in theme.
pub(super) fn built_in(name: &str) -> Option<&'static str> {
    let found = BUILT_IN.iter().find(|(known, _)| *known == name);
    found.map(|(_, text)| *text)
}

/// Where the user's themes are: `$XDG_CONFIG_HOME/skewer/themes`.
pub fn folder() -> Option<PathBuf> {
    let base = etcetera::choose_base_strategy().ok()?;
    Some(base.config_dir().join("skewer").join("themes"))
}

/// A theme by its name, or out of a file if the name is that of one (`./mine.toml`). A file of the user's goes over a built-in
/// theme of the same name.
///
/// # Errors
/// There is no such theme, or its file cannot be used.
pub fn load(name: &str, folder: Option<&Path>, level: ColorLevel) -> Result<Theme, ThemeError> {
    if name.contains('/') || name.ends_with(".toml") {
        return read(Path::new(name), level);
    }
    let own = folder.map(|folder| folder.join(format!("{name}.toml")));
    if let Some(own) = own.filter(|own| own.exists()) {
        return read(&own, level);
    }
    match built_in(name) {
        Some(_) => Theme::built_in(name, level),
        None => Err(ThemeError::unknown(name, &own_names(folder))),
    }
}

/// All themes: the built-in ones first, then the user's by name.
pub fn list(folder: Option<&Path>, level: ColorLevel) -> Vec<Listed> {
    let own = own_names(folder);
    let built_in = BUILT_IN.iter().filter(|(name, _)| !own.iter().any(|own| own == name));
    let built_in = built_in.map(|(name, text)| Listed {
        name: (*name).to_owned(),
        file: None,
        about: about(text),
        theme: Theme::built_in(name, level),
    });
    let mine = own.iter().filter_map(|name| {
        let file = folder?.join(format!("{name}.toml"));
        Some(Listed {
            name: name.clone(),
            about: text(&file).map(|text| about(&text)).unwrap_or_default(),
            theme: read(&file, level),
            file: Some(file),
        })
    });
    built_in.chain(mine).collect()
}

fn own_names(folder: Option<&Path>) -> Vec<String> {
    let Some(entries) = folder.and_then(|folder| fs::read_dir(folder).ok()) else {
        return Vec::new();
    };
    let name = |path: PathBuf| {
        let stem = path.extension().filter(|end| *end == "toml").and(path.file_stem())?;
        Some(clean_line(&stem.to_string_lossy()))
    };
    let mut names: Vec<String> = entries.flatten().filter_map(|entry| name(entry.path())).collect();
    names.sort();
    names
}

fn read(file: &Path, level: ColorLevel) -> Result<Theme, ThemeError> {
    let text = text(file).map_err(|why| ThemeError::Unreadable {
        file: clean_line(&file.display().to_string()),
        why,
    })?;
    // Where it lies is known; what is wrong with it has to fit into a line of the screen.
    let name = file.file_name().unwrap_or(file.as_os_str());
    let name = clean_line(&name.to_string_lossy());
    file::parse(&name, &text, level).and_then(|theme| match level {
        ColorLevel::None => Theme::built_in(MONOCHROME, level),
        _ => Ok(theme),
    })
}

fn text(file: &Path) -> Result<String, String> {
    let about = fs::metadata(file).map_err(|error| error.to_string())?;
    if !about.is_file() || about.len() > LARGEST {
        return Err("this is no theme file".to_owned());
    }
    fs::read_to_string(file).map_err(|error| error.to_string())
}

/// The first comment of a theme file, up to the end of its sentence.
fn about(text: &str) -> String {
    let lines = text.lines().take_while(|line| line.starts_with('#'));
    let words: Vec<&str> = lines
        .map(|line| line.trim_start_matches('#').trim())
        .take_while(|line| !line.is_empty())
        .collect();
    clean_line(&words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_files_stand_beside_the_built_in_ones() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write("mine.toml", "# My own.\n[roles]\ngc = \"blue\"\n");
        write("dark.toml", "base = \"light\"\n");
        write("torn.toml", "[roles]\ngc = \"rouge\"\n");
        write("notes.txt", "not a theme");
        let own = Some(folder.path());
        let listed = list(own, ColorLevel::True);
        let names: Vec<&str> = listed.iter().map(|listed| listed.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "light",
                "high-contrast",
                "color-blind-safe",
                "16-color",
                "monochrome",
                "dark",
                "mine",
                "torn"
            ]
        );
        assert_eq!(listed[6].about, "My own.");
        let torn = listed[7].theme.as_ref().unwrap_err().to_string();
        assert!(torn.starts_with("theme torn.toml, line 2: role \"gc\""), "{torn}");

        let dark = load("dark", own, ColorLevel::True).unwrap();
        assert_eq!(
            dark.ground(),
            Theme::built_in("light", ColorLevel::True).unwrap().ground()
        );
        let by_path = load(
            &folder.path().join("mine.toml").to_string_lossy(),
            None,
            ColorLevel::True,
        )
        .unwrap();
        assert_eq!(by_path, load("mine", own, ColorLevel::True).unwrap());
        let unknown = load("neon", own, ColorLevel::True).unwrap_err().to_string();
        assert!(
            unknown.contains("color-blind-safe") && unknown.contains("mine"),
            "{unknown}"
        );
        let gone = load("./gone.toml", own, ColorLevel::True).unwrap_err().to_string();
        assert!(gone.starts_with("theme ./gone.toml: "), "{gone}");
    }

    #[test]
    fn every_built_in_theme_says_what_it_is_for() {
        for listed in list(None, ColorLevel::True) {
            assert!(listed.about.len() > 10, "{}: {}", listed.name, listed.about);
        }
    }
}
