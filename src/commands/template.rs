//! `skewer config`: the config file with every setting there is, at its default and commented out. Made from the keymap and the
//! thresholds themselves.

use std::collections::BTreeMap;
use std::fmt::Write;

use skewer::diagnosis::Thresholds;
use skewer::tui::keymap::{Keymap, KeymapError};

const HEAD: &str = "\
# skewer's config file: $XDG_CONFIG_HOME/skewer/config.toml, or --config FILE. A flag goes over what stands here.
# These are the defaults: remove the # where you want something else.

# What is opened when no TARGET is given: a name of [servers], or any target.
# server = \"prod\"
# A name that `skewer themes` lists, or a file.
# theme = \"dark\"
# Draw with ASCII alone.
# ascii = false
# Seconds between two looks at an application that is followed.
# refresh = 3
# Take the mouse: a click selects or opens, the wheel scrolls.
# mouse = false

# [servers.prod]
# url = \"http://history:18080\"

[keys]
# A key, several, or none: x = \"x\", x = [\"x\", \"ctrl-x\", \"f5\"], x = []
";

/// The file.
pub fn written() -> Result<String, KeymapError> {
    let mut text = HEAD.to_owned();
    for binding in Keymap::new(&BTreeMap::new())?.bindings() {
        let keys: Vec<String> = binding.keys.iter().map(|key| format!("{:?}", key.spelled())).collect();
        let _ = writeln!(text, "# {}\n# {} = [{}]", binding.help, binding.name, keys.join(", "));
    }
    text.push_str("\n[thresholds]\n");
    for (name, value, about) in Thresholds::default().explained() {
        let _ = writeln!(text, "# {about}\n# {name} = {value}");
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use skewer::config::Config;

    use super::*;

    #[test]
    fn what_it_says_can_be_used_as_it_stands() {
        let setting = |line: &str| {
            let bare = line.strip_prefix("# ").unwrap_or(line);
            let name = bare.split([' ', '=']).next().unwrap_or_default();
            let is_setting = bare.starts_with('[') || bare[name.len()..].starts_with(" = ");
            (is_setting && !bare.ends_with(',')).then(|| bare.to_owned() + "\n")
        };
        let text: String = written().unwrap().lines().filter_map(setting).collect();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        std::fs::write(&file, &text).unwrap();
        let (config, warnings) = Config::load(Some(&file)).unwrap();
        assert!(warnings.is_empty(), "{warnings:?}");
        let keys = config
            .keys
            .iter()
            .map(|(name, keys)| (name.clone(), keys.list()))
            .collect();
        let keymap = Keymap::new(&keys).unwrap();
        assert_eq!(config.keys.len(), keymap.bindings().len());
        let mut thresholds = Thresholds::default();
        for (name, value) in &config.thresholds {
            thresholds.set(name, *value).unwrap();
        }
        assert_eq!(thresholds, Thresholds::default());
        assert_eq!(config.thresholds.len(), Thresholds::NAMES.len());
        assert_eq!(
            (config.ascii, config.mouse, config.refresh),
            (Some(false), Some(false), Some(3))
        );
    }
}
