//! Styles by meaning: a screen names a role, the theme file says how it looks, the terminal's colours decide what is left of it.
//! Colour is never the only carrier of a meaning: [`severity_mark`] has a glyph and the severity's word for every severity.

use ratatui::style::{Color, Modifier, Style};

use crate::diagnosis::Severity;

use super::widgets::Glyphs;

macro_rules! roles {
    ($($variant:ident $name:literal;)*) => {
        /// What something on the screen means.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs, reason = "the names say it; themes/dark.toml lists them")]
        pub enum Role { $($variant),* }

        impl Role {
            /// All of them.
            pub const ALL: &'static [Role] = &[$(Role::$variant),*];

            /// The name in a theme file.
            pub const fn name(self) -> &'static str {
                match self { $(Role::$variant => $name),* }
            }
        }
    };
}

roles! {
    Text "text";
    Dim "dim";
    Title "title";
    Bar "bar";
    Header "header";
    ColumnCursor "column-cursor";
    Rule "rule";
    Selected "selected";
    Key "key";
    Tab "tab";
    Critical "critical";
    Warning "warning";
    Info "info";
    Good "good";
    Running "running";
    Outlier "outlier";
    Compute "compute";
    Gc "gc";
    FetchWait "fetch-wait";
    ShuffleWrite "shuffle-write";
    Deserialize "deserialize";
    Serialize "serialize";
    SchedulerDelay "scheduler-delay";
    GettingResult "getting-result";
    IdleDriver "idle-driver";
    IdleTooFew "idle-too-few";
    IdleTail "idle-tail";
    IdleScheduling "idle-scheduling";
}

/// How many colours the terminal has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColorLevel {
    /// None, or none wanted.
    None,
    /// The sixteen names.
    Sixteen,
    /// The palette of 256.
    Palette,
    /// Red, green and blue.
    True,
}

/// A theme that cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ThemeError {
    /// There is no such theme.
    #[error("theme {0:?}: there is none of that name; built in are dark, light and mono")]
    Unknown(String),
    /// The file is broken.
    #[error("theme {name:?}: {why}")]
    Broken {
        /// The theme.
        name: String,
        /// What is wrong with it.
        why: String,
    },
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct ThemeFile {
    roles: std::collections::BTreeMap<String, String>,
    #[serde(default)]
    rich: std::collections::BTreeMap<String, String>,
}

/// Every role's style on the terminal at hand.
#[derive(Clone, Debug)]
pub struct Theme {
    styles: Vec<Style>,
}

impl Theme {
    /// A built-in theme; without colours always `mono`.
    ///
    /// # Errors
    /// No theme of that name.
    pub fn built_in(name: &str, level: ColorLevel) -> Result<Theme, ThemeError> {
        let name = if level == ColorLevel::None { "mono" } else { name };
        let text = match name {
            "dark" => include_str!("../../themes/dark.toml"),
            "light" => include_str!("../../themes/light.toml"),
            "mono" => include_str!("../../themes/mono.toml"),
            other => return Err(ThemeError::Unknown(other.to_owned())),
        };
        Theme::parse(name, text, level)
    }

    /// A theme file.
    ///
    /// # Errors
    /// It is no theme, or lacks a role.
    pub fn parse(name: &str, text: &str, level: ColorLevel) -> Result<Theme, ThemeError> {
        let broken = |why: String| ThemeError::Broken {
            name: name.to_owned(),
            why,
        };
        let file: ThemeFile = toml::from_str(text).map_err(|error| broken(error.message().to_owned()))?;
        let rich = matches!(level, ColorLevel::Palette | ColorLevel::True);
        if let Some(stranger) = file
            .roles
            .keys()
            .chain(file.rich.keys())
            .find(|key| known(key).is_none())
        {
            return Err(broken(format!("no role is named {stranger:?}")));
        }
        let style = |role: &Role| {
            let own = file
                .rich
                .get(role.name())
                .filter(|_| rich)
                .or_else(|| file.roles.get(role.name()));
            let words = own.ok_or_else(|| broken(format!("the role {:?} is missing", role.name())))?;
            style(words, level).ok_or_else(|| broken(format!("{}: {words:?} is no style", role.name())))
        };
        Ok(Theme {
            styles: Role::ALL.iter().map(style).collect::<Result<_, _>>()?,
        })
    }

    /// How a role looks.
    pub fn style(&self, role: Role) -> Style {
        self.styles.get(role as usize).copied().unwrap_or_default()
    }
}

fn known(name: &str) -> Option<Role> {
    Role::ALL.iter().copied().find(|role| role.name() == name)
}

/// The style that words describe.
fn style(words: &str, level: ColorLevel) -> Option<Style> {
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
            (None, colour) => {
                let colour = shown(colour.parse().ok()?, level);
                style = if background { style.bg(colour) } else { style.fg(colour) };
                background = false;
            }
        }
    }
    Some(style)
}

/// The nearest colour that the terminal has.
fn shown(colour: Color, level: ColorLevel) -> Color {
    match (colour, level) {
        (_, ColorLevel::None) => Color::Reset,
        (Color::Rgb(r, g, b), ColorLevel::Palette) => Color::Indexed(cube(r, g, b)),
        (Color::Rgb(..) | Color::Indexed(16..), ColorLevel::Sixteen) => Color::Reset,
        (colour, _) => colour,
    }
}

/// The place of a colour in the 6×6×6 cube of the 256 colours, whose steps are 0, 95, 135, 175, 215, 255.
fn cube(r: u8, g: u8, b: u8) -> u8 {
    let step = |value: u8| match value {
        0..48 => 0,
        48..115 => 1,
        value => (value - 35) / 40,
    };
    16 + 36 * step(r) + 6 * step(g) + step(b)
}

/// The glyph and role of a severity: the glyph tells it without colour.
pub fn severity_mark(severity: Severity, glyphs: Glyphs) -> (&'static str, Role) {
    match severity {
        Severity::Critical => (glyphs.pick("●", "!"), Role::Critical),
        Severity::Warning => (glyphs.pick("◐", "*"), Role::Warning),
        Severity::Info => (glyphs.pick("○", "i"), Role::Info),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_theme_has_every_role_at_every_level() {
        for level in [
            ColorLevel::None,
            ColorLevel::Sixteen,
            ColorLevel::Palette,
            ColorLevel::True,
        ] {
            for name in ["dark", "light", "mono"] {
                let theme = Theme::built_in(name, level).unwrap();
                assert_eq!(theme.styles.len(), Role::ALL.len());
            }
        }
        assert!(matches!(
            Theme::built_in("neon", ColorLevel::True),
            Err(ThemeError::Unknown(_))
        ));
    }

    #[test]
    fn no_colour_means_no_colour() {
        let theme = Theme::built_in("dark", ColorLevel::None).unwrap();
        for role in Role::ALL {
            let style = theme.style(*role);
            assert_eq!((style.fg, style.bg), (None, None), "{}", role.name());
        }
    }

    #[test]
    fn sixteen_colours_are_names_alone() {
        for name in ["dark", "light"] {
            let theme = Theme::built_in(name, ColorLevel::Sixteen).unwrap();
            for role in Role::ALL {
                assert!(
                    !matches!(theme.style(*role).fg, Some(Color::Rgb(..) | Color::Indexed(_))),
                    "{}",
                    role.name()
                );
            }
        }
    }

    #[test]
    fn a_broken_theme_names_the_role() {
        let text = include_str!("../../themes/dark.toml").replace("gc = \"red\"", "gc = \"rouge\"");
        let error = Theme::parse("mine", &text, ColorLevel::Sixteen).unwrap_err();
        assert!(error.to_string().contains("gc"), "{error}");
        let text = include_str!("../../themes/dark.toml").replace("gc = \"red\"", "");
        assert!(
            Theme::parse("mine", &text, ColorLevel::Sixteen)
                .unwrap_err()
                .to_string()
                .contains("missing")
        );
    }

    #[test]
    fn true_colours_fall_into_the_cube() {
        assert_eq!(cube(0, 0, 0), 16);
        assert_eq!(cube(255, 255, 255), 231);
        assert_eq!(cube(0x5f, 0xaf, 0xd7), 74);
    }
}
