//! Where core time went, and how long a stage or an application would take if something were changed. Pure functions of the
//! model.

mod activity;
mod application;
#[cfg(test)]
pub(crate) mod sample;
mod slots;
mod stage;
mod time_account;

pub use activity::Activity;
pub use application::{Bounds, Change, Simulator};
pub use slots::{Slots, Span};
pub use stage::{Calibration, last_slot_free, list_schedule, slot_times};
pub use time_account::{CoreMs, TimeAccount};
