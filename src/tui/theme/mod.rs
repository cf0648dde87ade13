//! Styles by meaning: a screen names a role, the theme file says how it looks, the terminal's colours decide what is left of it.
//! Colour is never the only carrier of a meaning: [`severity_mark`] has a glyph and the severity's word for every severity.

mod catalog;
#[cfg(test)]
mod contrast;
mod file;
mod level;

use ratatui::style::{Color, Style};

use crate::diagnosis::Severity;

use super::widgets::Glyphs;

pub use catalog::{DEFAULT, Listed, MONOCHROME, folder, list, load};
pub use file::ThemeError;
pub use level::{ColorLevel, detect};

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

/// Every role's style on the terminal at hand.
#[derive(Clone, Debug, PartialEq)]
pub struct Theme {
    styles: Vec<Style>,
    ground: Ground,
}

/// The colours that a theme was made for: its background and its plain text. They are not drawn, the terminal's own are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ground {
    /// Behind the text.
    pub background: Color,
    /// Text without a colour of its own.
    pub foreground: Color,
}

impl Theme {
    /// A built-in theme; without colours always [`MONOCHROME`].
    ///
    /// # Errors
    /// No theme of that name.
    pub fn built_in(name: &str, level: ColorLevel) -> Result<Theme, ThemeError> {
        let name = if level == ColorLevel::None { MONOCHROME } else { name };
        let text = catalog::built_in(name).ok_or_else(|| ThemeError::unknown(name, &[]))?;
        file::parse(name, text, level)
    }

    /// How a role looks.
    pub fn style(&self, role: Role) -> Style {
        self.styles.get(role as usize).copied().unwrap_or_default()
    }

    /// The colours it was made for.
    pub fn ground(&self) -> Ground {
        self.ground
    }
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

    const LEVELS: [ColorLevel; 4] = [
        ColorLevel::None,
        ColorLevel::Sixteen,
        ColorLevel::Palette,
        ColorLevel::True,
    ];

    #[test]
    fn every_theme_has_every_role_at_every_level() {
        for level in LEVELS {
            for name in catalog::names() {
                let theme = Theme::built_in(name, level).unwrap();
                assert_eq!(theme.styles.len(), Role::ALL.len());
            }
        }
        assert!(matches!(
            Theme::built_in("neon", ColorLevel::True),
            Err(ThemeError::Unknown { .. })
        ));
    }

    #[test]
    fn no_colour_means_no_colour() {
        for name in catalog::names() {
            let theme = Theme::built_in(name, ColorLevel::None).unwrap();
            for role in Role::ALL {
                let style = theme.style(*role);
                assert_eq!((style.fg, style.bg), (None, None), "{}", role.name());
            }
        }
    }

    #[test]
    fn a_terminal_gets_only_colours_that_it_has() {
        for name in catalog::names() {
            for role in Role::ALL {
                let at = |level| {
                    let style = Theme::built_in(name, level).unwrap().style(*role);
                    [style.fg, style.bg]
                };
                let sixteen = at(ColorLevel::Sixteen);
                assert!(
                    !sixteen
                        .iter()
                        .flatten()
                        .any(|colour| matches!(colour, Color::Rgb(..) | Color::Indexed(16..))),
                    "{name} {}: {sixteen:?}",
                    role.name()
                );
                let palette = at(ColorLevel::Palette);
                assert!(
                    !palette.iter().flatten().any(|colour| matches!(colour, Color::Rgb(..))),
                    "{name} {}: {palette:?}",
                    role.name()
                );
            }
        }
    }

    #[test]
    fn what_is_worst_and_what_is_selected_stands_out_without_colour_too() {
        for name in catalog::names() {
            let theme = Theme::built_in(name, ColorLevel::None).unwrap();
            let plain = theme.style(Role::Text);
            for role in [
                Role::Critical,
                Role::Warning,
                Role::Selected,
                Role::Tab,
                Role::ColumnCursor,
            ] {
                assert_ne!(theme.style(role), plain, "{name} {}", role.name());
            }
        }
    }
}
