//! The look at a stage's tasks as dots: duration against size. A line means that the data are skewed, a cloud above it that
//! some place is slow.

use ratatui::{buffer::Buffer, layout::Rect, widgets::Widget};

use crate::model::{Stage, TaskMeasure, Unit};
use crate::tui::line::width;
use crate::tui::panel::panel;
use crate::tui::screen::Context;
use crate::tui::theme::Role;
use crate::tui::widgets::scale::Scale;
use crate::tui::widgets::scatter::{Dot, Scatter};

use super::facts::{Facts, OUTLIER, QuantileRow};
use super::panels::line;

/// Dots that are drawn one by one; of more, those that fall together on a fine grid are one.
const MANY: usize = 20_000;

/// The fine grid: more dots than a terminal has, across and up.
const FINE: (usize, usize) = (1_024, 512);

/// The dots of a stage, worked out once: drawing a million is not for every frame.
#[derive(Clone, Debug)]
pub struct Dots {
    dots: Vec<Dot>,
    measure: Option<TaskMeasure>,
    across: (Scale, Unit),
    up: Scale,
    hot_from: Option<u64>,
    first_ms: i64,
}

impl Dots {
    /// The dots of the successful tasks.
    pub fn of(stage: &Stage, facts: &Facts) -> Dots {
        let median = facts.row(TaskMeasure::Duration).map_or(0, QuantileRow::median);
        let mut all = Dots {
            dots: Vec::new(),
            measure: facts.sizes.as_ref().map(|sizes| sizes.measure),
            across: (Scale::linear(0.0, 0.0), Unit::Millis),
            up: Scale::fitting(&facts.durations),
            hot_from: (median > 0).then_some((median as f64 * OUTLIER) as u64),
            first_ms: stage.first_task_launched_ms.or(stage.submission_ms).unwrap_or(0),
        };
        let dot = |row| all.point(stage, row).map(|(across, up)| Dot { across, up, count: 1 });
        let dots: Vec<Dot> = stage.tasks.successful().filter_map(dot).collect();
        all.across = match &facts.sizes {
            Some(sizes) => (Scale::fitting(&sizes.sorted), sizes.unit()),
            None => {
                let last = dots.iter().map(|dot| dot.across).max().unwrap_or(0);
                (Scale::linear(0.0, last as f64), Unit::Millis)
            }
        };
        all.dots = if dots.len() > MANY { all.thinned(&dots) } else { dots };
        all
    }

    /// Where the dot of a task lies; `None` where size or duration was not recorded.
    fn point(&self, stage: &Stage, row: usize) -> Option<(u64, u64)> {
        let tasks = &stage.tasks;
        let across = match self.measure {
            Some(measure) => tasks.measure(row, measure)?,
            None => u64::try_from(tasks.launch_ms(row).saturating_sub(self.first_ms)).unwrap_or(0),
        };
        Some((across, tasks.duration_ms(row)?))
    }

    fn thinned(&self, dots: &[Dot]) -> Vec<Dot> {
        let (wide, high) = FINE;
        let cell = |share: f64, cells: usize| ((share * cells as f64) as usize).min(cells - 1);
        // By cell: the place of its dot among those kept, from 1. Hot and cold dots stay apart.
        let mut kept_at = vec![0_u32; wide * high * 2];
        let mut kept: Vec<Dot> = Vec::new();
        for dot in dots {
            let x = cell(self.across.0.fraction(dot.across as f64), wide);
            let y = cell(self.up.fraction(dot.up as f64), high);
            let hot = usize::from(self.hot_from.is_some_and(|from| dot.up >= from));
            let Some(at) = kept_at.get_mut((y * wide + x) * 2 + hot) else {
                continue;
            };
            match kept.get_mut((*at as usize).wrapping_sub(1)) {
                Some(known) => known.count += 1,
                None => {
                    kept.push(*dot);
                    *at = kept.len() as u32;
                }
            }
        }
        kept
    }
}

/// Draws them; `chosen` is the row of the task under the cursor.
pub fn render(stage: &Stage, dots: &Dots, chosen: Option<usize>, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
    let title = match dots.measure {
        Some(TaskMeasure::PartitionRecords) => "Duration against records read",
        Some(TaskMeasure::ShuffleReadBytes) => "Duration against shuffle read size",
        Some(_) => "Duration against input size",
        None => "Duration against launch, for no size was recorded",
    };
    let scales = match (dots.across.0.is_log(), dots.up.is_log()) {
        (true, true) => "log scales",
        (true, false) => "size: log scale",
        (false, true) => "duration: log scale",
        (false, false) => "",
    };
    let hints = match dots.measure {
        None => [""; 3],
        Some(_) => [
            "a line: skewed data; a cloud above it: a slow place",
            "line: skew, cloud: slow place",
            "",
        ],
    };
    // The scales are always told.
    let right = |hint: &str| format!("{hint}  {scales}").trim().to_owned();
    let room = usize::from(area.width).saturating_sub(width(title) + 10);
    let right = hints.map(right).into_iter().find(|text| width(text) <= room);
    let inner = panel(area, title, &right.unwrap_or_else(|| scales.to_owned()), buf, cx);
    if dots.dots.is_empty() {
        return line("no task succeeded", inner, 0, Role::Dim, buf, cx);
    }
    let scatter = Scatter {
        points: &dots.dots,
        across: dots.across,
        up: (dots.up, Unit::Millis),
        chosen: chosen.and_then(|row| dots.point(stage, row)),
        hot_from: dots.hot_from,
        style: cx.style(Role::Compute),
        hot: cx.style(Role::Outlier),
        faint: cx.style(Role::Dim),
        glyphs: cx.glyphs,
    };
    scatter.render(inner, buf);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::sample::Sample;

    #[test]
    fn many_dots_become_few_that_stand_for_all() {
        let durations: Vec<u64> = (0..60_000).map(|task| 100 + task % 50).chain([9_000]).collect();
        let application = Sample::cluster(2, 2).stage("a", &durations).application();
        let stage = &application.stages[0];
        let dots = Dots::of(stage, &Facts::of(stage));
        assert!(dots.dots.len() < 50_000, "{}", dots.dots.len());
        assert_eq!(dots.dots.iter().map(|dot| dot.count).sum::<usize>(), 60_001);
        assert!(dots.dots.iter().any(|dot| dot.up == 9_000), "the outlier stays");
    }
}
