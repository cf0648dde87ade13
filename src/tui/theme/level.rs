//! How many colours the terminal has and is allowed, and the nearest of them to the one that a theme names.

use ratatui::style::Color;
use termprofile::{DetectorSettings, EnvVarSource, TermProfile, TermVars};

use crate::settings::Color as Wanted;

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

impl ColorLevel {
    /// The nearest colour that the terminal has; `None` for no colour at all.
    pub fn nearest(self, colour: Color) -> Option<Color> {
        let profile = match self {
            ColorLevel::None => return None,
            ColorLevel::Sixteen => TermProfile::Ansi16,
            ColorLevel::Palette => TermProfile::Ansi256,
            ColorLevel::True => TermProfile::TrueColor,
        };
        match colour {
            Color::Reset => Some(colour),
            // The same colour in half the bytes.
            Color::Rgb(r, g, b) if self == ColorLevel::True => Some(cube(r, g, b).map_or(colour, Color::Indexed)),
            colour => profile.adapt_color(colour),
        }
    }
}

/// The number of a colour that is exactly one of the palette's 6×6×6 cube.
fn cube(r: u8, g: u8, b: u8) -> Option<u8> {
    let step = |value: u8| [0, 95, 135, 175, 215, 255].iter().position(|known| *known == value);
    u8::try_from(16 + 36 * step(r)? + 6 * step(g)? + step(b)?).ok()
}

/// The environment as termprofile asks for it. `--color always` goes over `NO_COLOR`.
struct Environment<F> {
    variable: F,
    always: bool,
}

impl<F: Fn(&str) -> Option<String>> EnvVarSource for Environment<F> {
    fn var(&self, name: &str) -> Option<String> {
        match name {
            "NO_COLOR" if self.always => None,
            "CLICOLOR_FORCE" if self.always => Some("1".to_owned()),
            // As no-color.org has it: any text counts, "0" too.
            "NO_COLOR" => (self.variable)(name)
                .filter(|text| !text.is_empty())
                .map(|_| "1".to_owned()),
            // That a build server runs tells nothing about the terminal that we are shown on.
            "CI" | "CI_NAME" | "TF_BUILD" => None,
            name => (self.variable)(name),
        }
    }
}

/// The screen is only drawn where there is a terminal.
struct ATerminal;

impl termprofile::IsTerminal for ATerminal {
    fn is_terminal(&self) -> bool {
        true
    }
}

/// How many colours the terminal announces, as far as the user allows them: `--color`, then `NO_COLOR` and `CLICOLOR_FORCE`, then
/// what `COLORTERM`, `TERM` and `TERM_PROGRAM` say. Asks the terminal nothing.
pub fn detect(wanted: Wanted, variable: impl Fn(&str) -> Option<String>) -> ColorLevel {
    let always = wanted == Wanted::Always;
    if wanted == Wanted::Never {
        return ColorLevel::None;
    }
    let environment = Environment { variable, always };
    let forced = environment
        .var("CLICOLOR_FORCE")
        .is_some_and(|value| !value.is_empty() && value != "0");
    // Terminals of the VT family are monochrome.
    let vt = environment.var("TERM").is_some_and(|term| term.starts_with("vt"));
    if vt && !forced {
        return ColorLevel::None;
    }
    let settings = DetectorSettings::new().enable_tmux_info(false);
    match TermProfile::detect_with_vars(TermVars::from_source(&environment, &ATerminal, settings)) {
        TermProfile::NoTty | TermProfile::NoColor => ColorLevel::None,
        TermProfile::Ansi16 => ColorLevel::Sixteen,
        TermProfile::Ansi256 => ColorLevel::Palette,
        TermProfile::TrueColor => ColorLevel::True,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(wanted: Wanted, set: &'static [(&str, &str)]) -> ColorLevel {
        detect(wanted, |name| {
            set.iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn colours_are_what_the_terminal_announces() {
        for (set, expected) in [
            (
                &[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")][..],
                ColorLevel::True,
            ),
            (&[("TERM", "xterm-direct")], ColorLevel::True),
            (&[("TERM", "screen-256color")], ColorLevel::Palette),
            (&[("TERM", "tmux-256color")], ColorLevel::Palette),
            (&[("TERM", "xterm")], ColorLevel::Sixteen),
            (&[("TERM", "linux")], ColorLevel::Sixteen),
            (&[("TERM", "vt100")], ColorLevel::None),
            (&[("TERM", "xterm-256color"), ("CI", "true")], ColorLevel::Palette),
        ] {
            assert_eq!(level(Wanted::Auto, set), expected, "{set:?}");
        }
    }

    #[test]
    fn the_user_has_the_last_word() {
        use Wanted::{Always, Auto, Never};
        for (wanted, set, expected) in [
            (Auto, &[("TERM", "xterm"), ("NO_COLOR", "1")][..], ColorLevel::None),
            (Auto, &[("TERM", "xterm"), ("NO_COLOR", "0")], ColorLevel::None),
            (Auto, &[("TERM", "xterm"), ("NO_COLOR", "")], ColorLevel::Sixteen),
            (Always, &[("TERM", "xterm"), ("NO_COLOR", "1")], ColorLevel::Sixteen),
            (Always, &[("TERM", "vt100")], ColorLevel::Sixteen),
            (Auto, &[("TERM", "vt100"), ("CLICOLOR_FORCE", "1")], ColorLevel::Sixteen),
            (Auto, &[("TERM", "vt100"), ("CLICOLOR_FORCE", "0")], ColorLevel::None),
            (
                Never,
                &[("COLORTERM", "truecolor"), ("CLICOLOR_FORCE", "1")],
                ColorLevel::None,
            ),
        ] {
            assert_eq!(level(wanted, set), expected, "{wanted:?} {set:?}");
        }
    }

    #[test]
    fn a_colour_becomes_the_nearest_that_there_is() {
        let red = Color::Rgb(254, 0, 0);
        assert_eq!(
            ColorLevel::True.nearest(Color::Rgb(0x5f, 0xaf, 0xd7)),
            Some(Color::Indexed(74))
        );
        assert_eq!(ColorLevel::None.nearest(red), None);
        assert_eq!(ColorLevel::True.nearest(red), Some(red));
        assert_eq!(
            ColorLevel::Palette.nearest(Color::Rgb(0x5f, 0xaf, 0xd7)),
            Some(Color::Indexed(74))
        );
        assert_eq!(ColorLevel::Sixteen.nearest(Color::Green), Some(Color::Green));
        let sixteen = ColorLevel::Sixteen.nearest(red);
        assert!(matches!(sixteen, Some(Color::Red | Color::LightRed)), "{sixteen:?}");
    }
}
