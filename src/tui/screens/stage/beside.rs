//! What is worked out about a stage of many tasks beside the loop: the order of its tasks, its facts, what a look needs. Opening such a
//! stage shows it at once; the parts follow as they come. What a stage of few tasks needs is worked out where it is asked for.

use std::sync::Arc;

use ratatui::layout::Rect;

use crate::model::{Application, Stage};
use crate::tui::table::{Found, Seeking};
use crate::tui::work::{Owner, Work};

use super::facts::Facts;
use super::lanes::Lanes;
use super::look::Look;
use super::scatter::Dots;
use super::tasks::TaskKeys;
use super::what_if::{WhatIf, suppose};

/// What came of it.
pub enum Part {
    /// The tasks in order.
    Order(Found),
    /// The facts.
    Facts(Arc<Facts>),
    /// What the dots need.
    Dots(Dots),
    /// What the lanes need.
    Lanes(Lanes),
    /// What would be if.
    WhatIf(Vec<WhatIf>),
}

/// What came of it, and of which tasks.
pub struct Worked {
    /// The stage as it was.
    pub stage: Arc<Stage>,
    /// What came of it.
    pub part: Part,
}

/// The order of the tasks.
pub fn order(owner: &Owner, stage: Arc<Stage>, seeking: Seeking) -> Work {
    work(owner, stage, move |stage| {
        Part::Order(seeking.found(&TaskKeys { tasks: &stage.tasks }))
    })
}

/// The facts.
pub fn facts(owner: &Owner, stage: Arc<Stage>) -> Work {
    work(owner, stage, |stage| Part::Facts(Arc::new(Facts::of(stage))))
}

/// What a look at this area needs; `None`: it needs nothing beyond the facts.
pub fn look(
    owner: &Owner,
    (stage, application): (Arc<Stage>, Arc<Application>),
    facts: Arc<Facts>,
    (look, area): (Look, Rect),
) -> Option<Work> {
    match look {
        Look::Scatter => Some(work(owner, stage, move |stage| Part::Dots(Dots::of(stage, &facts)))),
        Look::Lanes => Some(work(owner, stage, move |stage| {
            let mut lanes = Lanes::of(stage);
            lanes.fit(stage, &facts, area);
            Part::Lanes(lanes)
        })),
        Look::WhatIf => Some(work(owner, stage, move |stage| {
            Part::WhatIf(suppose(&application, stage))
        })),
        _ => None,
    }
}

fn work(owner: &Owner, stage: Arc<Stage>, what: impl FnOnce(&Stage) -> Part + Send + 'static) -> Work {
    Work::new(owner, move || {
        let part = what(&stage);
        Worked { stage, part }
    })
}
