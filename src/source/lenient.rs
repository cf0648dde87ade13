//! Forgiving JSON for both sources: a value that is negative, too large, of another type or null is absent, never an error; of duplicate keys the
//! last wins; what is not asked for is skipped however deep it nests. Knows no event and no endpoint.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// What a JSON value becomes. Each method takes one JSON type; what a type does not override makes it its default: absent.
pub(super) trait Field<'de>: Default {
    /// A non-negative integer.
    fn whole(_: u64) -> Self {
        Self::default()
    }

    /// A negative integer.
    fn negative(_: i64) -> Self {
        Self::default()
    }

    /// Any other number.
    fn decimal(_: f64) -> Self {
        Self::default()
    }

    /// `true` or `false`.
    fn flag(_: bool) -> Self {
        Self::default()
    }

    /// A string.
    fn text(_: Cow<'de, str>) -> Self {
        Self::default()
    }

    /// An array.
    fn list<A: SeqAccess<'de>>(mut items: A) -> Result<Self, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }

    /// An object.
    fn object<A: MapAccess<'de>>(mut entries: A) -> Result<Self, A::Error> {
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }
}

/// A [`Field`] as serde reads it.
pub(super) struct Lenient<T>(pub T);

impl<'de, T: Field<'de>> Deserialize<'de> for Lenient<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Take(PhantomData)).map(Lenient)
    }
}

struct Take<T>(PhantomData<T>);

impl<'de, T: Field<'de>> Visitor<'de> for Take<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<T, E> {
        Ok(T::flag(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<T, E> {
        Ok(T::whole(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<T, E> {
        Ok(u64::try_from(value).map_or_else(|_| T::negative(value), T::whole))
    }

    fn visit_f64<E>(self, value: f64) -> Result<T, E> {
        Ok(T::decimal(value))
    }

    fn visit_unit<E>(self) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<T, E> {
        Ok(T::text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<T, E> {
        Ok(T::text(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<T, A::Error> {
        T::list(items)
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<T, A::Error> {
        T::object(entries)
    }
}

impl Field<'_> for Option<u64> {
    fn whole(value: u64) -> Self {
        Some(value)
    }
}

impl Field<'_> for Option<u32> {
    fn whole(value: u64) -> Self {
        u32::try_from(value).ok()
    }
}

/// A time, epoch ms.
impl Field<'_> for Option<i64> {
    fn whole(value: u64) -> Self {
        i64::try_from(value).ok()
    }
}

impl Field<'_> for Option<bool> {
    fn flag(value: bool) -> Self {
        Some(value)
    }
}

impl<'de> Field<'de> for Option<Cow<'de, str>> {
    fn text(value: Cow<'de, str>) -> Self {
        Some(value)
    }
}

impl<'de, T: Field<'de>> Field<'de> for Vec<T> {
    fn list<A: SeqAccess<'de>>(mut items: A) -> Result<Self, A::Error> {
        let mut all = Vec::new();
        while let Some(Lenient(item)) = items.next_element()? {
            all.push(item);
        }
        Ok(all)
    }
}

/// An object whose keys are data, such as properties. What is not a string there becomes absent and is left out.
#[derive(Debug, Default)]
pub(super) struct Pairs<'de>(pub Vec<(Cow<'de, str>, Cow<'de, str>)>);

impl<'de> Field<'de> for Pairs<'de> {
    fn object<A: MapAccess<'de>>(mut entries: A) -> Result<Self, A::Error> {
        let mut pairs: Vec<(Cow<'de, str>, Cow<'de, str>)> = Vec::new();
        while let Some((Key(key), Lenient(value))) = entries.next_entry::<Key<'de>, Lenient<Option<Cow<'de, str>>>>()? {
            let Some(value) = value else { continue };
            pairs.push((key, value));
        }
        Ok(Pairs(pairs))
    }

    /// Spark wrote lists of pairs before it wrote objects.
    fn list<A: SeqAccess<'de>>(mut items: A) -> Result<Self, A::Error> {
        let mut pairs = Vec::new();
        while let Some(Lenient(item)) = items.next_element::<Lenient<Vec<Option<Cow<'de, str>>>>>()? {
            if let Ok([Some(key), Some(value)]) = <[_; 2]>::try_from(item) {
                pairs.push((key, value));
            }
        }
        Ok(Pairs(pairs))
    }
}

/// An object's key, borrowed unless it holds escapes.
pub(super) struct Key<'de>(pub Cow<'de, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AsKey;
        impl<'de> Visitor<'de> for AsKey {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(value)))
            }

            fn visit_str<E>(self, value: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(value.to_owned())))
            }
        }
        deserializer.deserialize_str(AsKey)
    }
}

/// Declares a struct and how its fields are read out of an object's keys.
macro_rules! record {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty = $($key:literal)|+,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Default)]
        pub(super) struct $name<'de> {
            $(pub $field: $type,)*
            pub _line: std::marker::PhantomData<&'de ()>,
        }

        impl<'de> $crate::source::lenient::Field<'de> for $name<'de> {
            fn object<A: serde::de::MapAccess<'de>>(mut entries: A) -> Result<Self, A::Error> {
                use $crate::source::lenient::{Key, Lenient};
                let mut record = Self::default();
                while let Some(Key(key)) = entries.next_key()? {
                    match &*key {
                        $($($key)|+ => record.$field = entries.next_value::<Lenient<$type>>()?.0,)*
                        _ => {
                            entries.next_value::<serde::de::IgnoredAny>()?;
                        }
                    }
                }
                Ok(record)
            }
        }
    };
}
pub(super) use record;

/// Reads one JSON text. Lone surrogates, control characters inside strings and invalid UTF-8 are replaced rather than refused.
///
/// # Errors
/// Where it is no JSON: the line is then broken, or cut short if it is the last.
pub(super) fn read<'de, T: Field<'de>>(text: &'de str) -> Result<T, serde_json::Error> {
    let mut json = serde_json::Deserializer::from_str(text);
    let Lenient(value) = Lenient::<T>::deserialize(&mut json)?;
    json.end()?;
    Ok(value)
}

/// A line as text, with what JSON forbids but some writers let through made harmless: used when the line as it is was refused.
pub(super) fn mend(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let mut mended = String::with_capacity(text.len());
    let mut rest = &*text;
    while let Some(at) = rest.find(|c: char| c == '\\' || (c.is_ascii_control() && c != '\t')) {
        let (before, from) = rest.split_at(at);
        mended.push_str(before);
        let taken = if from.starts_with('\\') {
            escape(from, &mut mended)
        } else {
            1
        };
        if !from.starts_with('\\') {
            mended.push(' ');
        }
        rest = from.get(taken..).unwrap_or_default();
    }
    mended.push_str(rest);
    mended
}

/// Copies the escape that `from` begins with, a lone surrogate as U+FFFD; gives its length.
fn escape(from: &str, mended: &mut String) -> usize {
    let unit = |at: usize| {
        let hex = from.get(at..)?.strip_prefix("\\u")?.get(..4)?;
        u16::from_str_radix(hex, 16).ok()
    };
    let taken = match (unit(0), unit(6)) {
        (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => 12,
        (Some(0xD800..=0xDFFF), _) => {
            mended.push_str("\\ufffd");
            return 6;
        }
        (Some(_), _) => 6,
        // A backslash and the character after it, whatever its length.
        (None, _) => 1 + from.chars().nth(1).map_or(0, char::len_utf8),
    };
    mended.push_str(from.get(..taken).unwrap_or_default());
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    record! {
        /// A record to test with.
        Sample {
            count: Option<u64> = "Count" | "count",
            small: Option<u32> = "Small",
            name: Option<Cow<'de, str>> = "Name",
            many: Vec<Option<u64>> = "Many",
        }
    }

    #[test]
    fn what_does_not_fit_is_absent() {
        for odd in [
            "-1",
            "1e308",
            "\"7\"",
            "null",
            "[1]",
            "{\"a\":{}}",
            "true",
            "99999999999999999999999",
        ] {
            let text = format!("{{\"Count\":{odd},\"Name\":\"x\"}}");
            let record: Sample<'_> = read(&text).unwrap();
            assert_eq!((record.count, record.name.as_deref()), (None, Some("x")), "{odd}");
        }
        let record: Sample<'_> = read(r#"{"Small":4294967296,"Many":[1,-1,"x",[2]]}"#).unwrap();
        assert_eq!((record.small, record.many), (None, vec![Some(1), None, None, None]));
    }

    #[test]
    fn the_last_of_duplicate_keys_wins() {
        let record: Sample<'_> = read(r#"{"Count":1,"count":3,"Count":2}"#).unwrap();
        assert_eq!(record.count, Some(2));
    }

    #[test]
    fn deep_nesting_is_skipped_without_recursion() {
        let deep = format!("{{\"x\":{}{},\"Count\":5}}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(read::<Sample<'_>>(&deep).unwrap().count, Some(5));
        let known = format!("{{\"Count\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(read::<Sample<'_>>(&known).unwrap().count, None);
    }

    #[test]
    fn lone_surrogates_and_control_characters_are_mended() {
        let line = b"{\"Name\":\"a\\ud800b\\ud83e\\udd80\x01\\\\u\\\"\xff\",\"Count\":1}";
        let text = mend(line);
        let record: Sample<'_> = read(&text).unwrap();
        assert_eq!(record.name.as_deref(), Some("a\u{fffd}b🦀 \\u\"\u{fffd}"));
    }
}
