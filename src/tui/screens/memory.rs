//! An executor's heap beside its limit: the numbers and one line to draw them on. Used by every screen that shows executors.

use std::sync::Arc;

use ratatui::{buffer::Buffer, layout::Rect, widgets::Widget};

use crate::model::{Application, Executor, ExecutorMetric};
use crate::tui::screen::Context;
use crate::tui::theme::Role;
use crate::tui::widgets::sparkline::{Sparkline, over_time};
use crate::units;

/// From this share of its limit on, a heap's peak is marked (`memory-headroom` of the rules).
const NEAR_LIMIT: f64 = 0.95;

/// Columns that the line keeps for itself before the numbers get shorter.
const LINE: usize = 9;

/// An executor's heap.
#[derive(Clone, Debug, PartialEq)]
pub struct Memory {
    /// Executor id.
    pub id: Arc<str>,
    /// Its host.
    pub host: String,
    /// Heap in use over time: epoch ms, bytes; empty where the source has no more than peaks.
    pub heap: Vec<(i64, f64)>,
    /// Highest heap in use, bytes.
    pub peak: u64,
    /// Largest heap that the JVM may have, bytes.
    pub limit: Option<u64>,
}

impl Memory {
    /// An executor's; `None` where nothing was recorded.
    pub fn of(executor: &Executor, application: &Application) -> Option<Memory> {
        let samples = executor.memory.samples();
        let sampled = samples.iter().map(|sample| sample.heap).max();
        let peak = executor
            .peaks
            .get(ExecutorMetric::JVMHeapMemory)
            .max(sampled)
            .filter(|&peak| peak > 0)?;
        Some(Memory {
            id: executor.id.clone(),
            host: executor.host().to_owned(),
            heap: samples
                .iter()
                .map(|sample| (sample.time_ms, sample.heap as f64))
                .collect(),
            peak,
            limit: executor.heap_limit(&application.environment),
        })
    }

    /// Every executor's, those nearest their limit first.
    pub fn nearest_limit(application: &Application) -> Vec<Memory> {
        let mut all: Vec<Memory> = application
            .executors
            .iter()
            .filter_map(|executor| Memory::of(executor, application))
            .collect();
        let share = |memory: &Memory| memory.share().unwrap_or(0.0);
        all.sort_by(|a, b| share(b).total_cmp(&share(a)).then(b.peak.cmp(&a.peak)));
        all
    }

    /// How near its limit it came.
    pub fn share(&self) -> Option<f64> {
        self.limit
            .filter(|&limit| limit > 0)
            .map(|limit| self.peak as f64 / limit as f64)
    }

    /// Peak and limit, `812 MiB / 1.0 GiB (79%)`, in at most so many columns.
    pub fn text(&self, columns: usize) -> String {
        let peak = units::bytes(self.peak);
        let Some((limit, share)) = self.limit.zip(self.share()) else {
            return format!("{peak} at most");
        };
        let (limit, share) = (units::bytes(limit), units::percent(share));
        let texts = [
            format!("{peak} / {limit} ({share})"),
            format!("{peak} / {limit}"),
            format!("heap {share}"),
        ];
        texts.into_iter().find(|text| text.len() <= columns).unwrap_or(share)
    }

    /// Draws the heap over `from..to` on the first row of `area`, the numbers behind it.
    pub fn draw(&self, from: i64, to: i64, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let row = Rect {
            height: area.height.min(1),
            ..area
        };
        self.draw_tall(from, to, row, buf, cx);
    }

    /// The same on all rows of `area`, the numbers behind the last.
    pub fn draw_tall(&self, from: i64, to: i64, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let room = usize::from(area.width);
        let text = self.text(if self.heap.is_empty() {
            room
        } else {
            room.saturating_sub(LINE)
        });
        let line = room.saturating_sub(text.chars().count() + 1);
        let near = self.share().is_some_and(|share| share >= NEAR_LIMIT);
        let role = if near { Role::Critical } else { Role::Text };
        if line >= 4 && !self.heap.is_empty() {
            let values = over_time(&self.heap, from, to, line);
            let sparkline = Sparkline {
                values: &values,
                limit: self.limit.map(|limit| limit as f64),
                marked: true,
                style: cx.style(Role::Running),
                hot: cx.style(Role::Critical),
                glyphs: cx.glyphs,
            };
            sparkline.render(
                Rect {
                    width: line as u16,
                    ..area
                },
                buf,
            );
        }
        let start = room.saturating_sub(text.chars().count());
        if area.height > 0 {
            buf.set_stringn(
                area.x + start as u16,
                area.bottom() - 1,
                text,
                room - start,
                cx.style(role),
            );
        }
    }
}
