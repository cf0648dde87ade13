//! One node of a plan: its arguments, all its metrics, and the stages whose tasks ran it. Enter opens a stage.

use ratatui::{buffer::Buffer, layout::Rect};

use crate::model::{PlanNode, SqlExecution};
use crate::tui::action::Action;
use crate::tui::effect::Effect;
use crate::tui::panel;
use crate::tui::screen::{Context, Screen};
use crate::tui::screens::plan::detail;
use crate::tui::screens::stages::{Only, Stages};
use crate::tui::scroll::{Line, Scroll};

/// Rows that the stages take at least, with title and head.
const STAGES: u16 = 5;

/// A node.
#[derive(Debug)]
pub struct NodeScreen {
    sql: u64,
    first_plan: bool,
    node: u64,
    about: Scroll,
    stages: Stages,
}

impl NodeScreen {
    /// The screen of a node of an execution's last or first plan.
    pub fn new(sql: u64, first_plan: bool, node: u64) -> NodeScreen {
        NodeScreen {
            sql,
            first_plan,
            node,
            about: Scroll::default(),
            stages: Stages::default(),
        }
    }

    fn found<'a>(&self, cx: &Context<'a>) -> Option<(&'a SqlExecution, &'a PlanNode)> {
        let execution = cx.application().sql.iter().find(|execution| execution.id == self.sql)?;
        let graph = if self.first_plan {
            &execution.initial_graph
        } else {
            &execution.graph
        };
        Some((execution, graph.as_ref()?.node(self.node)?))
    }

    fn lines(&self, width: u16, cx: &Context<'_>) -> Vec<Line> {
        self.found(cx)
            .map_or_else(Vec::new, |(_, node)| detail::about(node, usize::from(width)))
    }

    /// What is known above, the stages below.
    fn split(&self, area: Rect, cx: &Context<'_>) -> [Rect; 2] {
        let lines = u16::try_from(self.lines(area.width, cx).len() + 1).unwrap_or(u16::MAX);
        let about = lines
            .min(area.height.saturating_sub(STAGES))
            .max(area.height / 2)
            .min(area.height)
            .min(lines);
        panel::split(area, about)
    }
}

impl Screen for NodeScreen {
    fn title(&self, cx: &Context<'_>) -> String {
        self.found(cx)
            .map_or_else(|| format!("Node {}", self.node), |(_, node)| node.name.clone())
    }

    fn update(&mut self, action: Action, cx: &Context<'_>) -> Vec<Effect> {
        // The stages are few and the metrics may be many: paging belongs to the latter.
        if matches!(action, Action::PageUp | Action::PageDown) && self.about.update(action) {
            return Vec::new();
        }
        self.stages.update(action, cx)
    }

    fn render(&self, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let area = area.intersection(buf.area);
        let [about, stages] = self.split(area, cx);
        let title = format!("{} of SQL {}", self.title(cx), self.sql);
        self.about
            .render(&title, "", &self.lines(area.width, cx), about, buf, cx);
        self.stages.render(stages, buf, cx);
    }

    fn fit(&mut self, area: Rect, cx: &Context<'_>) {
        let [about, stages] = self.split(area, cx);
        self.about.fit(about, self.lines(area.width, cx).len());
        self.stages.fit(stages, cx);
    }

    fn height(&self, width: u16, cx: &Context<'_>) -> usize {
        1 + self.lines(width, cx).len() + self.stages.height(width, cx).max(usize::from(STAGES))
    }

    fn rows(&self) -> usize {
        Screen::rows(&self.stages)
    }

    fn actions(&self) -> &'static [Action] {
        &[
            Action::Enter,
            Action::PageDown,
            Action::Sort,
            Action::Filter,
            Action::Copy,
            Action::Export,
        ]
    }

    fn back(&mut self, cx: &Context<'_>) -> bool {
        self.stages.back(cx)
    }

    fn typing(&self) -> bool {
        self.stages.typing()
    }

    fn refresh(&mut self, cx: &Context<'_>) {
        if let Some((_, node)) = self.found(cx) {
            // Over REST no node names its stages: those of the execution are the nearest there is.
            let only = if node.stages.is_empty() {
                Only::Sql(self.sql)
            } else {
                Only::Node(node.stages.clone())
            };
            self.stages.show(only);
        }
        self.stages.refresh(cx);
    }

    fn copy(&self, cx: &Context<'_>) -> Option<(String, String)> {
        let (_, node) = self.found(cx)?;
        let mut text = format!("{}\n", node.description.as_deref().unwrap_or(&node.name));
        for metric in &node.metrics {
            let value = metric.value.as_deref().and_then(|value| value.lines().last());
            text.push_str(&format!("{}: {}\n", metric.name, value.unwrap_or("not recorded")));
        }
        Some(("plan node".to_owned(), text))
    }
}
