//! The one table of keys: what is pressed, what it means, how it is described. Matching, the help screen and the footer all
//! read it; the config file overrides it by the actions' names. Knows no screen.

mod table;

use std::collections::BTreeMap;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::action::Action;
use table::TABLE;

/// One action with its keys and descriptions.
#[derive(Clone, Debug)]
pub struct Binding {
    /// What it does.
    pub action: Action,
    /// Its name in the config file.
    pub name: &'static str,
    /// Its keys, the one to show first.
    pub keys: Vec<Key>,
    /// One word for the footer.
    pub hint: &'static str,
    /// A sentence for the help screen.
    pub help: &'static str,
}

/// A key as it is pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    code: KeyCode,
    modifiers: KeyModifiers,
}

/// A binding of the config file that cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeymapError {
    /// No such action.
    #[error("keys: no action is named {name:?}; there are {known} (`skewer config` lists them with their keys)")]
    UnknownAction {
        /// The name.
        name: String,
        /// Those that there are.
        known: String,
    },
    /// The key's spelling is not understood.
    #[error(
        "keys.{action}: {key:?} is no key; write for instance \"x\", \"ctrl-x\", \"pgdn\", \"f5\", or [] for no key at all"
    )]
    UnknownKey {
        /// The action.
        action: String,
        /// The key as written.
        key: String,
    },
    /// Two actions ask for one key.
    #[error("keys: {key:?} is bound to both {first} and {second}; give one of them another key, or none: {first} = []")]
    Conflict {
        /// The key.
        key: String,
        /// One action.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
    /// No way out is left.
    #[error("keys: no key is left to quit with; leave one to quit, quit-print or quit-at-once")]
    NoExit,
}

/// The keys in force.
#[derive(Clone, Debug)]
pub struct Keymap {
    bindings: Vec<Binding>,
}

impl Keymap {
    /// The built-in keys with the config file's in their place: action name → keys.
    ///
    /// # Errors
    /// An unknown action or key, or one key for two actions.
    pub fn new(overrides: &BTreeMap<String, Vec<String>>) -> Result<Keymap, KeymapError> {
        if let Some(stranger) = overrides
            .keys()
            .find(|name| TABLE.iter().all(|(_, known, ..)| known != name))
        {
            let known: Vec<&str> = TABLE.iter().map(|(_, name, ..)| *name).collect();
            return Err(KeymapError::UnknownAction {
                name: stranger.clone(),
                known: known.join(", "),
            });
        }
        let mut bindings: Vec<Binding> = Vec::with_capacity(TABLE.len());
        for (action, name, keys, hint, help) in TABLE {
            let own: Vec<&str> = keys.to_vec();
            let spelled = overrides
                .get(*name)
                .map_or(own, |keys| keys.iter().map(String::as_str).collect());
            let parse = |key: &str| {
                let unknown = || KeymapError::UnknownKey {
                    action: (*name).to_owned(),
                    key: key.to_owned(),
                };
                Key::parse(key).ok_or_else(unknown)
            };
            let keys = spelled.into_iter().map(parse).collect::<Result<Vec<Key>, _>>()?;
            for key in &keys {
                if let Some(other) = bindings.iter().find(|binding| binding.keys.contains(key)) {
                    return Err(KeymapError::Conflict {
                        key: key.label(),
                        first: other.name,
                        second: name,
                    });
                }
            }
            bindings.push(Binding {
                action: *action,
                name,
                keys,
                hint,
                help,
            });
        }
        let exits = [Action::Quit, Action::QuitAndPrint, Action::QuitAtOnce];
        if !bindings
            .iter()
            .any(|binding| exits.contains(&binding.action) && !binding.keys.is_empty())
        {
            return Err(KeymapError::NoExit);
        }
        Ok(Keymap { bindings })
    }

    /// Every action with its keys, in the order of the help screen.
    pub fn bindings(&self) -> &[Binding] {
        &self.bindings
    }

    /// What a key means in a list.
    pub fn action(&self, event: &KeyEvent) -> Option<Action> {
        let pressed = Key::of(event);
        self.bindings
            .iter()
            .find(|binding| binding.keys.contains(&pressed))
            .map(|binding| binding.action)
    }

    /// What a key means while text is typed: characters go into the text, the rest keeps its meaning where that makes sense.
    pub fn typing(&self, event: &KeyEvent) -> Option<Action> {
        let plain = event.modifiers.difference(KeyModifiers::SHIFT).is_empty();
        match event.code {
            KeyCode::Char(c) if plain => Some(Action::Type(c)),
            KeyCode::Char('w') if event.modifiers == KeyModifiers::CONTROL => Some(Action::EraseWord),
            KeyCode::Char('u') if event.modifiers == KeyModifiers::CONTROL => Some(Action::EraseAll),
            KeyCode::Char('h') if event.modifiers == KeyModifiers::CONTROL => Some(Action::Erase),
            KeyCode::Backspace => Some(Action::Erase),
            KeyCode::Enter => Some(Action::Accept),
            _ => self.action(event),
        }
    }

    /// The binding of an action.
    pub fn binding(&self, action: Action) -> Option<&Binding> {
        self.bindings.iter().find(|binding| binding.action == action)
    }
}

impl Key {
    /// The key of an event. Shift is part of a character, not beside it.
    pub fn of(event: &KeyEvent) -> Key {
        let shifted = matches!(event.code, KeyCode::Char(_) | KeyCode::BackTab);
        let modifiers = if shifted {
            event.modifiers.difference(KeyModifiers::SHIFT)
        } else {
            event.modifiers
        };
        Key {
            code: event.code,
            modifiers,
        }
    }

    /// A key as the config file spells it: `x`, `G`, `ctrl-u`, `pgdn`, `f5`.
    fn parse(text: &str) -> Option<Key> {
        let mut modifiers = KeyModifiers::NONE;
        let mut name = text;
        while let Some((modifier, rest)) = MODIFIERS.iter().find_map(|(prefix, modifier, _)| {
            let rest = name.strip_prefix(prefix).filter(|rest| !rest.is_empty())?;
            Some((*modifier, rest))
        }) {
            (modifiers, name) = (modifiers | modifier, rest);
        }
        if name == "tab" && modifiers == KeyModifiers::SHIFT {
            (modifiers, name) = (KeyModifiers::NONE, "backtab");
        }
        let mut chars = name.chars();
        let code = match (chars.next(), chars.next()) {
            (Some(only), None) => KeyCode::Char(only),
            _ => NAMED
                .iter()
                .find(|(known, ..)| *known == name)
                .map(|(_, code, _)| *code)
                .or_else(|| function(name))?,
        };
        Some(Key { code, modifiers })
    }

    /// The key as a person reads it.
    pub fn label(&self) -> String {
        let name = match self.code {
            KeyCode::Char(' ') => "Space".to_owned(),
            KeyCode::Char(c) => c.to_string(),
            KeyCode::F(n) => format!("F{n}"),
            code => NAMED
                .iter()
                .find(|(_, known, _)| *known == code)
                .map_or("?", |(_, _, label)| label)
                .to_owned(),
        };
        let held = MODIFIERS
            .iter()
            .filter(|(_, modifier, _)| self.modifiers.contains(*modifier));
        held.map(|(_, _, label)| *label).collect::<String>() + &name
    }

    /// The same in ASCII alone: an arrow's sign would be a letter there, or nothing.
    pub fn plain_label(&self) -> String {
        let arrows = [("↑", "Up"), ("↓", "Down"), ("←", "Left"), ("→", "Right")];
        arrows
            .iter()
            .fold(self.label(), |label, (arrow, word)| label.replace(arrow, word))
    }

    /// The key as the config file spells it.
    pub fn spelled(&self) -> String {
        let name = match self.code {
            KeyCode::Char(' ') => "space".to_owned(),
            KeyCode::Char(c) => c.to_string(),
            KeyCode::F(n) => format!("f{n}"),
            code => NAMED
                .iter()
                .find(|(_, known, _)| *known == code)
                .map_or("?", |(name, ..)| name)
                .to_owned(),
        };
        let held = MODIFIERS
            .iter()
            .filter(|(_, modifier, _)| self.modifiers.contains(*modifier));
        held.map(|(prefix, ..)| *prefix).collect::<String>() + &name
    }
}

/// What is held down with a key: in the config file, in crossterm, on the screen. Shift is part of a letter.
const MODIFIERS: &[(&str, KeyModifiers, &str)] = &[
    ("ctrl-", KeyModifiers::CONTROL, "Ctrl-"),
    ("alt-", KeyModifiers::ALT, "Alt-"),
    ("shift-", KeyModifiers::SHIFT, "Shift-"),
];

/// Keys with a name: in the config file, in crossterm, on the screen.
const NAMED: &[(&str, KeyCode, &str)] = &[
    ("up", KeyCode::Up, "↑"),
    ("down", KeyCode::Down, "↓"),
    ("left", KeyCode::Left, "←"),
    ("right", KeyCode::Right, "→"),
    ("pgup", KeyCode::PageUp, "PgUp"),
    ("pgdn", KeyCode::PageDown, "PgDn"),
    ("home", KeyCode::Home, "Home"),
    ("end", KeyCode::End, "End"),
    ("enter", KeyCode::Enter, "Enter"),
    ("esc", KeyCode::Esc, "Esc"),
    ("backspace", KeyCode::Backspace, "Backspace"),
    ("delete", KeyCode::Delete, "Delete"),
    ("insert", KeyCode::Insert, "Insert"),
    ("tab", KeyCode::Tab, "Tab"),
    ("backtab", KeyCode::BackTab, "Shift-Tab"),
    ("space", KeyCode::Char(' '), "Space"),
];

fn function(name: &str) -> Option<KeyCode> {
    let number: u8 = name.strip_prefix('f')?.parse().ok()?;
    (1..=12).contains(&number).then_some(KeyCode::F(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(code: KeyCode, modifiers: KeyModifiers) -> KeyEvent {
        KeyEvent::new(code, modifiers)
    }

    #[test]
    fn no_key_has_two_meanings_and_every_action_is_described() {
        let keymap = Keymap::new(&BTreeMap::new()).unwrap();
        for binding in keymap.bindings() {
            assert!(!binding.keys.is_empty(), "{} has no key", binding.name);
            assert!(!binding.hint.is_empty() && binding.hint.len() <= 12, "{}", binding.name);
            assert!(!binding.help.is_empty() && binding.help.len() <= 68, "{}", binding.name);
            for key in &binding.keys {
                assert_eq!(Key::parse(&key.spelled()), Some(*key));
            }
        }
    }

    #[test]
    fn shift_belongs_to_the_character() {
        let keymap = Keymap::new(&BTreeMap::new()).unwrap();
        assert_eq!(
            keymap.action(&press(KeyCode::Char('G'), KeyModifiers::SHIFT)),
            Some(Action::Last)
        );
        assert_eq!(
            keymap.action(&press(KeyCode::BackTab, KeyModifiers::SHIFT)),
            Some(Action::PreviousTab)
        );
        assert_eq!(
            keymap.action(&press(KeyCode::Char('c'), KeyModifiers::CONTROL)),
            Some(Action::QuitAtOnce)
        );
        assert_eq!(keymap.action(&press(KeyCode::Char('c'), KeyModifiers::NONE)), None);
    }

    #[test]
    fn letters_are_text_while_a_filter_is_typed() {
        let keymap = Keymap::new(&BTreeMap::new()).unwrap();
        assert_eq!(
            keymap.typing(&press(KeyCode::Char('q'), KeyModifiers::NONE)),
            Some(Action::Type('q'))
        );
        assert_eq!(
            keymap.typing(&press(KeyCode::Esc, KeyModifiers::NONE)),
            Some(Action::Back)
        );
        assert_eq!(
            keymap.typing(&press(KeyCode::Backspace, KeyModifiers::NONE)),
            Some(Action::Erase)
        );
        assert_eq!(
            keymap.typing(&press(KeyCode::Char('c'), KeyModifiers::CONTROL)),
            Some(Action::QuitAtOnce)
        );
    }

    #[test]
    fn the_config_file_overrides_and_is_checked() {
        let with = |name: &str, keys: &[&str]| {
            let keys = keys.iter().map(|key| (*key).to_owned()).collect();
            Keymap::new(&BTreeMap::from([(name.to_owned(), keys)]))
        };
        let keymap = with("quit", &["x", "ctrl-q"]).unwrap();
        assert_eq!(
            keymap.action(&press(KeyCode::Char('x'), KeyModifiers::NONE)),
            Some(Action::Quit)
        );
        assert_eq!(keymap.action(&press(KeyCode::Char('q'), KeyModifiers::NONE)), None);
        let error = |name: &str, keys: &[&str]| with(name, keys).unwrap_err().to_string();
        let text = error("fly", &["x"]);
        assert!(
            text.contains("\"fly\"") && text.contains("quit-at-once") && text.contains("skewer config"),
            "{text}"
        );
        assert_eq!(
            error("quit", &["j"]),
            "keys: \"j\" is bound to both down and quit; give one of them another key, or none: down = []"
        );
        for wrong in ["hyper-x", "ctrl-", "", "f13", "pgdown"] {
            assert!(error("quit", &[wrong]).contains("is no key"), "{wrong:?}");
        }
    }

    #[test]
    fn an_action_may_have_no_key_but_a_way_out_stays() {
        let with = |names: &[&str]| {
            let none = names.iter().map(|name| ((*name).to_owned(), Vec::new()));
            Keymap::new(&none.collect())
        };
        let keymap = with(&["sort", "quit"]).unwrap();
        assert_eq!(keymap.action(&press(KeyCode::Char('s'), KeyModifiers::NONE)), None);
        assert_eq!(
            with(&["quit", "quit-print", "quit-at-once"]).unwrap_err(),
            KeymapError::NoExit
        );
    }

    #[test]
    fn what_is_held_down_is_part_of_the_key() {
        for (text, code, modifiers, label) in [
            ("alt-x", KeyCode::Char('x'), KeyModifiers::ALT, "Alt-x"),
            ("ctrl-pgdn", KeyCode::PageDown, KeyModifiers::CONTROL, "Ctrl-PgDn"),
            ("shift-up", KeyCode::Up, KeyModifiers::SHIFT, "Shift-↑"),
            ("shift-tab", KeyCode::BackTab, KeyModifiers::NONE, "Shift-Tab"),
            ("space", KeyCode::Char(' '), KeyModifiers::NONE, "Space"),
        ] {
            let key = Key::parse(text).unwrap();
            assert_eq!((key, key.label()), (Key { code, modifiers }, label.to_owned()));
            assert_eq!(Key::of(&press(code, modifiers)), key);
        }
    }
}
