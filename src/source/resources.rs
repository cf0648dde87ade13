//! What executors and tasks of a resource profile ask for, which event logs and REST write alike but for the case of their keys.

use std::borrow::Cow;

use super::lenient::{Field, Key, Lenient, record};
use crate::model::ResourceRequest;
use crate::text::clean_line;

/// Requests by the resource's name, which each of them repeats.
#[derive(Debug, Default)]
pub(super) struct Requests<'de>(Vec<(Cow<'de, str>, Request<'de>)>);

impl<'de> Field<'de> for Requests<'de> {
    fn object<A: serde::de::MapAccess<'de>>(mut entries: A) -> Result<Self, A::Error> {
        let mut requests = Vec::new();
        while let Some((Key(name), Lenient(request))) = entries.next_entry()? {
            requests.push((name, request));
        }
        Ok(Requests(requests))
    }
}

record! {
    /// How much of a resource.
    Request {
        amount: Amount = "Amount" | "amount",
        script: Option<Cow<'de, str>> = "Discovery Script" | "discoveryScript",
        vendor: Option<Cow<'de, str>> = "Vendor" | "vendor",
    }
}

/// An amount, which a task may ask for a part of.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Amount(Option<f64>);

impl Field<'_> for Amount {
    fn whole(value: u64) -> Self {
        Amount(Some(value as f64))
    }

    fn decimal(value: f64) -> Self {
        Amount((value.is_finite() && value >= 0.0).then_some(value))
    }
}

impl Requests<'_> {
    /// The requests by name.
    pub fn requests(&self) -> Vec<ResourceRequest> {
        // What is not said is written as an empty text.
        let said = |text: &Option<Cow<'_, str>>| {
            let text = text.as_deref().filter(|text| !text.is_empty());
            text.map(clean_line)
        };
        let mut requests: Vec<ResourceRequest> = self
            .0
            .iter()
            .map(|(name, request)| ResourceRequest {
                name: clean_line(name),
                amount: request.amount.0,
                discovery_script: said(&request.script),
                vendor: said(&request.vendor),
            })
            .collect();
        requests.sort_by(|a, b| a.name.cmp(&b.name));
        requests
    }
}
