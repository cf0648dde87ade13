//! Accumulators of a stage, which event logs and REST write alike but for the case of their keys.

use std::borrow::Cow;

use super::lenient::{Field, record};
use crate::model::Accumulator;
use crate::text::{clean, clean_line};

record! {
    /// An accumulator and its value.
    Accumulable {
        id: Option<u64> = "ID" | "id",
        name: Option<Cow<'de, str>> = "Name" | "name",
        value: Value<'de> = "Value" | "value",
        internal: Option<bool> = "Internal",
        metadata: Option<Cow<'de, str>> = "Metadata",
    }
}

/// A value as text; Spark's own are numbers and lists too.
#[derive(Debug, Default)]
pub(super) struct Value<'de>(Option<Cow<'de, str>>);

impl<'de> Field<'de> for Value<'de> {
    fn text(text: Cow<'de, str>) -> Self {
        Value(Some(text))
    }

    fn whole(value: u64) -> Self {
        Value(Some(value.to_string().into()))
    }

    fn negative(value: i64) -> Self {
        Value(Some(value.to_string().into()))
    }
}

/// Those that the user asked for, by id: Spark's own and those of SQL metrics are shown as what they mean
/// (`LiveEntityHelpers.newAccumulatorInfos`).
pub(super) fn of_user(all: Vec<Accumulable<'_>>) -> Vec<Accumulator> {
    let asked_for = |one: &Accumulable<'_>| one.internal != Some(true) && one.metadata.as_deref() != Some("sql");
    let mut kept: Vec<Accumulator> = all
        .into_iter()
        .filter(asked_for)
        .filter_map(|one| {
            Some(Accumulator {
                id: one.id?,
                name: one.name.map(|name| clean_line(&name)),
                value: one.value.0.map(|value| clean(&value).into_owned()),
            })
        })
        .collect();
    kept.sort_by_key(|one| one.id);
    kept.dedup_by_key(|one| one.id);
    kept
}
