//! All that is known of one node of a plan, in lines: its arguments, its metrics, the stages that ran it.

use crate::diagnosis::CallSite;
use crate::model::{Application, Origin, PlanNode, Stage};
use crate::tui::line::{Align, pad, wrap};
use crate::tui::screen::Context;
use crate::tui::scroll::Line;
use crate::tui::theme::Role;
use crate::units;

/// Cells of a metric's name at most.
const NAME: usize = 34;

/// The stage attempts whose tasks ran a node; over REST, which does not tell, none.
pub fn stages<'a>(node: &PlanNode, application: &'a Application) -> Vec<&'a Stage> {
    let ran = application
        .stages
        .iter()
        .filter(|stage| node.stages.contains(&stage.key.id));
    ran.map(AsRef::as_ref).collect()
}

/// A node with its stages in a width; `note` says why it stands out.
pub fn lines(node: &PlanNode, note: &str, width: usize, cx: &Context<'_>) -> Vec<Line> {
    let mut lines = about(node, width);
    if !note.is_empty() {
        lines.insert(1, vec![(note.to_owned(), Role::Outlier)]);
    }
    lines.extend(stage_lines(node, cx));
    lines
}

/// What is known of a node itself: arguments and metrics.
pub fn about(node: &PlanNode, width: usize) -> Vec<Line> {
    let mut lines: Vec<Line> = vec![title(node)];
    if let Some(description) = node.description.as_deref().filter(|text| *text != node.name) {
        lines.extend(wrap(description, width).into_iter().map(|line| vec![(line, Role::Dim)]));
    }
    if node.metrics.is_empty() {
        lines.push(vec![("Spark records no metrics for it".to_owned(), Role::Dim)]);
    }
    let longest = node.metrics.iter().map(|metric| metric.name.chars().count()).max();
    let name_width = longest.unwrap_or(0).min(NAME).min(width / 2) + 2;
    for metric in &node.metrics {
        lines.extend(metric_lines(
            metric.name.as_str(),
            metric.value.as_deref(),
            name_width,
            width,
        ));
    }
    lines
}

fn title(node: &PlanNode) -> Line {
    let codegen = node
        .codegen
        .map_or(String::new(), |number| format!(", compiled in ({number})"));
    vec![
        (node.name.clone(), Role::Title),
        (format!("  node {}{codegen}", node.id), Role::Dim),
    ]
}

/// The total first; the least, the median and the most of its tasks behind it, as Spark shows them.
fn metric_lines(name: &str, value: Option<&str>, name_width: usize, width: usize) -> Vec<Line> {
    let last = value.and_then(|text| text.lines().last());
    let (text, role) = last.map_or(("not recorded", Role::Dim), |text| (text, Role::Text));
    let spread = if value.is_some_and(|text| text.lines().count() > 1) && text.contains('(') {
        "  min, med, max"
    } else {
        ""
    };
    let mut wrapped = wrap(&format!("{text}{spread}"), width.saturating_sub(name_width)).into_iter();
    let first = wrapped.next().unwrap_or_default();
    let mut lines = vec![vec![(pad(name, name_width, Align::Left), Role::Header), (first, role)]];
    lines.extend(wrapped.map(|line| vec![(pad("", name_width, Align::Left), Role::Text), (line, role)]));
    lines
}

fn stage_lines(node: &PlanNode, cx: &Context<'_>) -> Vec<Line> {
    let application = cx.application();
    let stages = stages(node, application);
    if !stages.is_empty() {
        let line = |stage: &Stage| {
            let took = stage.duration_ms().map_or("n/a".to_owned(), units::duration);
            vec![
                (format!("stage {}  {took}  ", stage.key), Role::Running),
                (
                    format!(
                        "{}  {}",
                        units::counted(stage.num_tasks.into(), "task"),
                        CallSite::of(application, stage).short()
                    ),
                    Role::Text,
                ),
            ]
        };
        return stages.into_iter().map(line).collect();
    }
    let why = match application.origin {
        Origin::Rest => "which stages ran it: not told over REST",
        Origin::Log => "no stage reported metrics of it",
    };
    vec![vec![(why.to_owned(), Role::Dim)]]
}
