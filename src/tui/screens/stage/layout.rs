//! Where the parts of a stage's screen go: all of them where there is room, else the tasks and one look at a time.
//! Geometry alone: rows wanted in, rectangles out.

use ratatui::layout::Rect;

use crate::tui::panel::split;

use super::look::Look;

/// Rows that the tasks keep at least, with title and head.
pub const TASKS: u16 = 7;

/// Rows of the distributions, at least and at most.
pub const DISTRIBUTIONS: (u16, u16) = (7, 10);

/// Rows of quantiles and of executors below which they are not worth showing beside the rest.
const LEAST_QUANTILES: u16 = 7;
const LEAST_EXECUTORS: u16 = 4;

/// Rows of the quantiles and of the tasks to reach before any part grows further.
const QUANTILES_FIRST: u16 = 13;
const TASKS_FAIR: u16 = 12;

/// From this width on, quantiles and locality levels stand side by side.
const WIDE: u16 = 110;

/// A part of the screen above the tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The quantiles.
    Quantiles,
    /// The two histograms.
    Distributions,
    /// The locality levels.
    Localities,
    /// The executors.
    Executors,
    /// The one look that is shown.
    Look,
}

/// Rows that the parts would like, each with its title.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Lines at the top.
    pub head: u16,
    /// The quantiles.
    pub quantiles: u16,
    /// The locality levels.
    pub localities: u16,
    /// The executors.
    pub executors: u16,
    /// The look, where it is none of these.
    pub look: u16,
}

impl Wanted {
    /// Rows above the tasks when nothing is left out.
    pub fn height(&self, width: u16, look: Look) -> u16 {
        match look {
            Look::Quantiles | Look::Distributions | Look::Places => {}
            Look::TasksAlone => return self.head,
            Look::Scatter | Look::Lanes | Look::Failures | Look::WhatIf => return self.head + self.look,
        }
        let first = if width >= WIDE {
            self.quantiles.max(self.localities)
        } else {
            self.quantiles + self.localities
        };
        self.head + first + DISTRIBUTIONS.0 + self.executors
    }
}

/// Where everything goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arranged {
    /// Lines at the top.
    pub head: Rect,
    /// The parts that are shown.
    pub parts: Vec<(Part, Rect)>,
    /// The tasks.
    pub tasks: Rect,
    /// Whether there is room for all parts at once.
    pub all_at_once: bool,
}

/// Arranges the screen.
pub fn arrange(area: Rect, wanted: Wanted, look: Look) -> Arranged {
    let [head, rest] = split(area, wanted.head);
    let room = rest.height.saturating_sub(TASKS);
    let all = all_parts(rest, room, wanted);
    let all_at_once = all.is_some();
    let (parts, tasks) = match (look, all) {
        (Look::TasksAlone, _) => (Vec::new(), rest),
        (Look::Scatter | Look::Lanes | Look::Failures | Look::WhatIf, _) if room >= 3 => {
            let fair = rest.height.saturating_sub(TASKS_FAIR);
            let room = if fair > TASKS_FAIR { fair } else { room };
            stack(rest, &[(Part::Look, room.min(wanted.look))])
        }
        (_, Some(all)) => all,
        _ if room < 3 => (Vec::new(), rest),
        (Look::Quantiles, None) => stack(rest, &[(Part::Quantiles, room.min(wanted.quantiles))]),
        (Look::Distributions, None) => stack(rest, &[(Part::Distributions, room.min(DISTRIBUTIONS.1))]),
        (_, None) => {
            let localities = wanted.localities.min(room);
            let executors = wanted.executors.min(room - localities);
            stack(rest, &[(Part::Localities, localities), (Part::Executors, executors)])
        }
    };
    Arranged {
        head,
        parts,
        tasks,
        all_at_once,
    }
}

/// All parts above the tasks, if `room` is enough for the least of each. Spare rows go round by what they tell; the
/// tasks get the rest.
fn all_parts(rest: Rect, room: u16, wanted: Wanted) -> Option<(Vec<(Part, Rect)>, Rect)> {
    let wide = rest.width >= WIDE;
    let below = if wide { 0 } else { wanted.localities };
    let beside = if wide { wanted.localities } else { 0 };
    let mut quantiles = wanted.quantiles.min(LEAST_QUANTILES).max(beside);
    let mut executors = wanted.executors.min(LEAST_EXECUTORS);
    let mut distributions = DISTRIBUTIONS.0;
    let mut spare = room.checked_sub(quantiles + below + executors + distributions)?;
    let mut grow = |rows: &mut u16, to: u16| {
        let more = to.saturating_sub(*rows).min(spare);
        *rows += more;
        spare -= more;
    };
    let mut tasks = TASKS;
    grow(&mut quantiles, wanted.quantiles.min(QUANTILES_FIRST));
    grow(&mut executors, wanted.executors);
    grow(&mut tasks, TASKS_FAIR);
    grow(&mut quantiles, wanted.quantiles);
    grow(&mut distributions, DISTRIBUTIONS.1);
    let rows = [
        (Part::Quantiles, quantiles),
        (Part::Localities, below),
        (Part::Distributions, distributions),
        (Part::Executors, executors),
    ];
    let (mut parts, tasks) = stack(rest, &rows);
    if let (true, [(_, quantiles), (_, localities), ..]) = (wide, parts.as_mut_slice()) {
        let right = quantiles.width / 4;
        quantiles.width -= right + 2;
        *localities = Rect {
            x: quantiles.right() + 2,
            width: right,
            ..*quantiles
        };
    }
    Some((parts, tasks))
}

/// Parts below one another, and what is left.
fn stack(area: Rect, rows: &[(Part, u16)]) -> (Vec<(Part, Rect)>, Rect) {
    let mut left = area;
    let mut parts = Vec::with_capacity(rows.len());
    for (part, rows) in rows {
        let [first, rest] = split(left, *rows);
        parts.push((*part, first));
        left = rest;
    }
    (parts, left)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WANTED: Wanted = Wanted {
        head: 2,
        quantiles: 12,
        localities: 4,
        executors: 9,
        look: 30,
    };

    #[test]
    fn everything_at_once_where_there_is_room() {
        let arranged = arrange(Rect::new(0, 0, 140, 41), WANTED, Look::Quantiles);
        assert!(arranged.all_at_once && arranged.parts.len() == 4);
        assert_eq!(arranged.tasks.height, 41 - 2 - 12 - 9 - 7);
    }

    #[test]
    fn the_tasks_are_always_there_and_nothing_overlaps() {
        for look in Look::available(false, true) {
            for (width, height) in (0..150)
                .step_by(7)
                .flat_map(|width| (0..60).map(move |height| (width, height)))
            {
                let area = Rect::new(3, 2, width, height);
                let arranged = arrange(area, WANTED, look);
                let shown = arranged
                    .parts
                    .iter()
                    .map(|(_, area)| *area)
                    .chain([arranged.head, arranged.tasks]);
                let shown: Vec<Rect> = shown.filter(|area| !area.is_empty()).collect();
                for (at, one) in shown.iter().enumerate() {
                    assert_eq!(one.intersection(area), *one);
                    assert!(
                        shown[at + 1..].iter().all(|other| !one.intersects(*other)),
                        "{width}×{height} {look:?}"
                    );
                }
                assert!(
                    arranged.tasks.height >= TASKS.min(height.saturating_sub(2)),
                    "{width}×{height} {look:?}"
                );
            }
        }
    }

    #[test]
    fn as_tall_as_it_says_it_shows_everything() {
        for width in [80, 140] {
            let height = WANTED.height(width, Look::Quantiles) + TASKS;
            assert!(arrange(Rect::new(0, 0, width, height), WANTED, Look::Quantiles).all_at_once);
        }
    }
}
