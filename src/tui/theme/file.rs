//! A theme file: roles and the words that style them. What is wrong with one is told with its line and role.

use std::collections::BTreeMap;

use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;
use toml::Spanned;

use super::catalog::{self, DEFAULT};
use super::{ColorLevel, Ground, Role, Theme};
use crate::text::clean_line;

/// A theme that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ThemeError {
    /// There is no such theme.
    #[error(
        "theme {name:?}: there is none of that name; there are {known} (`skewer themes` lists them), or name a file: ./mine.toml"
    )]
    Unknown {
        /// The name.
        name: String,
        /// Those that there are.
        known: String,
    },
    /// The file cannot be read.
    #[error("theme {file}: {why}")]
    Unreadable {
        /// The file.
        file: String,
        /// Why.
        why: String,
    },
    /// The file is broken.
    #[error("theme {file}, line {line}: {why}")]
    Broken {
        /// The file, or a built-in theme's name.
        file: String,
        /// From 1.
        line: usize,
        /// What is wrong with it, and in which role.
        why: String,
    },
}

impl ThemeError {
    /// The error for a name that is neither built in nor one of the user's.
    pub(super) fn unknown(name: &str, own: &[String]) -> ThemeError {
        let mut known: Vec<&str> = catalog::names().collect();
        known.extend(own.iter().map(String::as_str));
        ThemeError::Unknown {
            name: name.to_owned(),
            known: known.join(", "),
        }
    }
}

/// Words by role, with where they stand.
type Words = BTreeMap<Spanned<String>, Spanned<String>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ThemeFile {
    /// The built-in theme whose roles hold where this one says nothing.
    base: Option<Spanned<String>>,
    background: Option<Spanned<String>>,
    foreground: Option<Spanned<String>>,
    #[serde(default)]
    roles: Words,
    /// What counts on terminals with 256 colours or more.
    #[serde(default)]
    rich: Words,
}

/// Reads a theme.
pub(super) fn parse(name: &str, text: &str, level: ColorLevel) -> Result<Theme, ThemeError> {
    let broken = |at: usize, why: String| ThemeError::Broken {
        file: name.to_owned(),
        line: text.get(..at).unwrap_or_default().matches('\n').count() + 1,
        why,
    };
    let file: ThemeFile = toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        broken(at, clean_line(error.message()))
    })?;
    let base = base(&file, name, level).map_err(|(at, why)| broken(at, why))?;
    let mut styles: Vec<Option<Style>> = base.as_ref().map_or_else(
        || vec![None; Role::ALL.len()],
        |base| base.styles.iter().copied().map(Some).collect(),
    );
    let rich = matches!(level, ColorLevel::Palette | ColorLevel::True);
    // The words that do not count here are read as well: they may be wrong.
    for (words, counts) in [(&file.roles, true), (&file.rich, rich)] {
        for (role, words) in words {
            let at = role.span().start;
            let role = known(role.get_ref()).ok_or_else(|| broken(at, no_such_role(role.get_ref())))?;
            let style = style(words.get_ref(), level)
                .map_err(|why| broken(words.span().start, format!("role {:?}: {why}", role.name())))?;
            if counts && let Some(place) = styles.get_mut(role as usize) {
                *place = Some(style);
            }
        }
    }
    let missing = Role::ALL.iter().zip(&styles).find(|(_, style)| style.is_none());
    if let Some((role, _)) = missing {
        return Err(broken(0, format!("the role {:?} is missing", role.name())));
    }
    let colour = |given: &Option<Spanned<String>>, what: &str, default: Option<Color>| match given {
        None => Ok(default.unwrap_or(Color::Reset)),
        Some(text) => text
            .get_ref()
            .parse()
            .map_err(|_| broken(text.span().start, format!("{what}: {}", no_colour(text.get_ref())))),
    };
    let from_base = |colour: fn(&Ground) -> Color| base.as_ref().map(|base| colour(&base.ground));
    let ground = Ground {
        background: colour(&file.background, "background", from_base(|ground| ground.background))?,
        foreground: colour(&file.foreground, "foreground", from_base(|ground| ground.foreground))?,
    };
    Ok(Theme {
        styles: styles.into_iter().flatten().collect(),
        ground,
    })
}

/// The theme below this one; the default and the one without colours stand alone.
fn base(file: &ThemeFile, name: &str, level: ColorLevel) -> Result<Option<Theme>, (usize, String)> {
    let (at, base) = match &file.base {
        Some(base) => (base.span().start, base.get_ref().as_str()),
        None if [DEFAULT, catalog::MONOCHROME].contains(&name) => return Ok(None),
        None => (0, DEFAULT),
    };
    let text = catalog::built_in(base).filter(|_| base != name).ok_or_else(|| {
        let known: Vec<&str> = catalog::names().collect();
        (
            at,
            format!(
                "base: no built-in theme is named {base:?}; there are {}",
                known.join(", ")
            ),
        )
    })?;
    parse(base, text, level)
        .map(Some)
        .map_err(|error| (at, error.to_string()))
}

fn known(name: &str) -> Option<Role> {
    Role::ALL.iter().copied().find(|role| role.name() == name)
}

fn no_such_role(name: &str) -> String {
    let names: Vec<&str> = Role::ALL.iter().map(|role| role.name()).collect();
    format!("no role is named {name:?}; there are {}", names.join(", "))
}

fn no_colour(word: &str) -> String {
    format!("{word:?} is no colour and no style; write for instance \"bold red\", \"#5fafd7\", \"on 237\"")
}

/// The style that words describe.
fn style(words: &str, level: ColorLevel) -> Result<Style, String> {
    let mut style = Style::new();
    let mut background = false;
    for word in words.split_whitespace() {
        let modifier = match word {
            "bold" => Some(Modifier::BOLD),
            "dim" => Some(Modifier::DIM),
            "italic" => Some(Modifier::ITALIC),
            "underlined" => Some(Modifier::UNDERLINED),
            "reversed" => Some(Modifier::REVERSED),
            _ => None,
        };
        match (modifier, word) {
            (Some(modifier), _) => style = style.add_modifier(modifier),
            (None, "on") => background = true,
            (None, word) => {
                let colour = word.parse().map_err(|_| no_colour(word))?;
                if let Some(colour) = level.nearest(colour) {
                    style = if background { style.bg(colour) } else { style.fg(colour) };
                }
                background = false;
            }
        }
    }
    if background {
        return Err("\"on\" names no colour".to_owned());
    }
    Ok(style)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        parse("mine.toml", text, ColorLevel::Sixteen).unwrap_err().to_string()
    }

    #[test]
    fn a_role_that_a_theme_leaves_out_is_that_of_its_base() {
        let theme = parse("mine.toml", "[roles]\ngc = \"bold blue\"\n", ColorLevel::True).unwrap();
        let dark = Theme::built_in("dark", ColorLevel::True).unwrap();
        assert_eq!(
            theme.style(Role::Gc),
            Style::new().fg(Color::Blue).add_modifier(Modifier::BOLD)
        );
        assert_eq!(theme.style(Role::Critical), dark.style(Role::Critical));
        assert_eq!(theme.ground(), dark.ground());
        let light = parse("mine.toml", "base = \"light\"", ColorLevel::True).unwrap();
        assert_eq!(light, Theme::built_in("light", ColorLevel::True).unwrap());
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line_and_role() {
        for (text, line, words) in [
            (
                "[roles]\ngc = \"rouge\"\n",
                2,
                &["\"gc\"", "\"rouge\" is no colour"][..],
            ),
            (
                "[roles]\n\ngcc = \"red\"\n",
                3,
                &["no role is named \"gcc\"", "scheduler-delay"],
            ),
            ("[rich]\ngc = \"bold on\"\n", 2, &["\"gc\"", "names no colour"]),
            (
                "base = \"darker\"\n",
                1,
                &["no built-in theme is named \"darker\"", "high-contrast"],
            ),
            ("background = \"#12\"\n", 1, &["background", "\"#12\""]),
            ("\n[roles]\ngc = 7\n", 3, &["invalid type"]),
            ("\n\n[roles\n", 3, &[]),
            ("[rolls]\n", 1, &["unknown field `rolls`"]),
        ] {
            let error = error(text);
            assert!(
                error.starts_with(&format!("theme mine.toml, line {line}: ")),
                "{text:?}: {error}"
            );
            assert!(!error.contains('\n'), "{error}");
            words
                .iter()
                .for_each(|word| assert!(error.contains(word), "{word} in {error}"));
        }
    }

    #[test]
    fn rich_words_count_where_there_are_256_colours() {
        let text = "[roles]\ngc = \"red\"\n[rich]\ngc = \"#5eafd7\"\n";
        let gc = |level| parse("mine.toml", text, level).unwrap().style(Role::Gc).fg;
        assert_eq!(gc(ColorLevel::Sixteen), Some(Color::Red));
        assert_eq!(gc(ColorLevel::Palette), Some(Color::Indexed(74)));
        assert_eq!(gc(ColorLevel::True), Some(Color::Rgb(0x5e, 0xaf, 0xd7)));
    }
}
