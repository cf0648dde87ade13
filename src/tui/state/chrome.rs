//! What stands around a screen: the head line with breadcrumbs and status, the tabs, the footer.

use ratatui::{buffer::Buffer, layout::Rect};

use super::Tui;
use crate::model::{Application, ApplicationStatus};
use crate::tui::ascii;
use crate::tui::line;
use crate::tui::screen::Context;
use crate::tui::theme::Role;
use crate::tui::widgets::Glyphs;
use crate::units;

/// Below this the screen says so instead of drawing.
const SMALLEST: (u16, u16) = (40, 10);

/// The room of a screen: all but the head line, the tabs and the footer.
pub fn body(area: Rect, tabs: bool) -> Rect {
    let head = 1 + u16::from(tabs);
    Rect {
        y: area.y.saturating_add(head).min(area.bottom()),
        height: area.height.saturating_sub(head + 1),
        ..area
    }
}

impl Tui {
    /// Draws everything into `area` of a buffer: the terminal's, or a snapshot's taller one.
    pub fn render_into(&self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        let cx = self.world.cx();
        if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
            line::put(buf, area, area.x, area.y, "too small", cx.style(Role::Text));
            let needs = format!("needs {}x{}", SMALLEST.0, SMALLEST.1);
            line::put(
                buf,
                area,
                area.x,
                area.y.saturating_add(1),
                &needs,
                cx.style(Role::Text),
            );
            return;
        }
        self.render_head(area, buf, &cx);
        let body = body(area, self.stack.in_application());
        match &self.loading {
            Some(loading) => loading.render(body, buf, &cx),
            None => {
                if self.stack.in_application() {
                    self.render_tabs(
                        Rect {
                            y: area.y + 1,
                            height: 1,
                            ..area
                        },
                        buf,
                        &cx,
                    );
                }
                let nothing = !self.stack.in_application() && self.single;
                if nothing && !self.stack.in_help() {
                    let text = "Nothing is open. r opens it again, q quits.";
                    line::put(
                        buf,
                        body,
                        body.x.saturating_add(2),
                        body.y.saturating_add(1),
                        text,
                        cx.style(Role::Text),
                    );
                } else {
                    self.stack.top().render(body, buf, &cx);
                }
            }
        }
        self.render_foot(
            Rect {
                y: area.bottom() - 1,
                height: 1,
                ..area
            },
            buf,
            &cx,
        );
        if self.world.glyphs == Glyphs::Ascii {
            ascii::only(area, buf);
        }
    }

    fn render_head(&self, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let (status, role) = if self.stack.in_application() {
            application_status(cx)
        } else {
            (self.stack.top().status(cx), Role::Dim)
        };
        let status = line::cut(&status, usize::from(area.width) * 2 / 3);
        let begin = line::put_right(buf, area, area.y, &status, cx.style(role));
        let room = usize::from(begin.saturating_sub(area.x)).saturating_sub(2);
        let name = "skewer  ";
        line::put(buf, area, area.x, area.y, &line::cut(name, room), cx.style(Role::Title));
        let crumbs = fitting(&self.crumbs(cx), room.saturating_sub(name.len()), cx.glyphs);
        let x = area.x.saturating_add(8);
        line::put(buf, area, x, area.y, &crumbs, cx.style(Role::Text));
    }

    fn crumbs(&self, cx: &Context<'_>) -> Vec<String> {
        let mut crumbs = vec![self.source.clone()];
        if self.stack.in_application() {
            crumbs.push(application_name(cx.application()));
            crumbs.extend(self.stack.crumbs(cx));
        }
        if self.stack.in_help() {
            crumbs.push("Help".to_owned());
        }
        crumbs
    }

    fn render_tabs(&self, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let findings = cx.findings().len();
        let label = |number: u8, name: &str| match name {
            "Findings" => format!(" {number} {name} ({findings}) "),
            name => format!(" {number} {name} "),
        };
        let labels: Vec<(String, bool)> = self
            .stack
            .tabs()
            .map(|(number, name, shown)| (label(number, name), shown))
            .collect();
        let whole: usize = labels.iter().map(|(label, _)| line::width(label)).sum();
        let mut x = area.x;
        for (label, shown) in labels {
            // Where room is short, the names of tabs that are not shown shrink to their first letters.
            let short = line::cut(&label, 8);
            let label = if whole > usize::from(area.width) && !shown {
                short + " "
            } else {
                label
            };
            x = line::put(
                buf,
                area,
                x,
                area.y,
                &label,
                cx.style(if shown { Role::Tab } else { Role::Dim }),
            );
        }
        if let Some(reading) = self.reading_words() {
            let left = usize::from(area.right().saturating_sub(x)).saturating_sub(2);
            if left > 12 {
                line::put_right(buf, area, area.y, &line::cut(&reading, left), cx.style(Role::Running));
            }
        }
    }

    fn render_foot(&self, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        if let Some((text, role)) = &self.said {
            line::put(buf, area, area.x, area.y, text, cx.style(*role));
            return;
        }
        let mut x = area.x;
        for (key, hint) in self.hints() {
            let wide = line::width(&key) + 1 + line::width(hint) + 2;
            if usize::from(x - area.x) + wide > usize::from(area.width) + 2 {
                break;
            }
            x = line::put(buf, area, x, area.y, &key, cx.style(Role::Key));
            x = line::put(buf, area, x, area.y, &format!(" {hint}  "), cx.style(Role::Dim));
        }
    }

    /// Keys and words of the footer: what the screen can do, then what always goes.
    fn hints(&self) -> Vec<(String, &'static str)> {
        use crate::tui::action::Action;
        let actions: Vec<Action> = if self.loading.is_some() {
            vec![Action::Back, Action::Quit]
        } else if self.typing() {
            vec![Action::Accept, Action::Back]
        } else {
            let own = self.stack.top().actions().iter().copied();
            let mut all: Vec<Action> = Vec::new();
            for action in own.chain([Action::Back, Action::Export, Action::Help, Action::Quit]) {
                if !all.contains(&action) {
                    all.push(action);
                }
            }
            all
        };
        let hint = |action: Action| match action {
            Action::Accept => Some(("Enter".to_owned(), "keep the filter")),
            action => {
                let binding = self.keymap.binding(action)?;
                Some((binding.keys.first()?.label(), binding.hint))
            }
        };
        actions.into_iter().filter_map(hint).collect()
    }
}

/// What an application is called: its name, its id if that says more, its attempt.
fn application_name(application: &Application) -> String {
    let mut name = if application.name.is_empty() {
        application.id.clone()
    } else {
        application.name.clone()
    };
    if !application.id.is_empty() && application.name != application.id {
        name = format!("{name} ({})", application.id);
    }
    match &application.attempt {
        Some(attempt) => format!("{name} attempt {attempt}"),
        None => name,
    }
}

/// How an application came out, how long it took, under which Spark, and what its numbers were read from.
fn application_status(cx: &Context<'_>) -> (String, Role) {
    let application = cx.application();
    let (mark, role) = match application.status {
        ApplicationStatus::Completed => (cx.glyphs.pick("✓", "+"), Role::Good),
        ApplicationStatus::Failed => (cx.glyphs.pick("✗", "x"), Role::Critical),
        ApplicationStatus::Running => (cx.glyphs.pick("▶", ">"), Role::Running),
        ApplicationStatus::Incomplete => (cx.glyphs.pick("…", "."), Role::Warning),
    };
    let mut words = vec![format!("{mark} {}", application.status.name())];
    words.extend(application.wall_ms().map(units::duration));
    words.extend(
        application
            .spark_version
            .as_ref()
            .map(|version| format!("Spark {version}")),
    );
    words.push(format!("source: {}", application.origin.name()));
    (words.join(cx.glyphs.pick(" · ", " | ")), role)
}

/// The crumbs that fit: the outermost go first, the innermost stays.
fn fitting(crumbs: &[String], room: usize, glyphs: Glyphs) -> String {
    let between = glyphs.pick(" › ", " > ");
    for skipped in 0..crumbs.len() {
        let text = crumbs.get(skipped..).unwrap_or_default().join(between);
        let dots = if skipped > 0 {
            glyphs.pick("… › ", ".. > ")
        } else {
            ""
        };
        if line::width(&text) + line::width(dots) <= room {
            return format!("{dots}{text}");
        }
    }
    line::cut(crumbs.last().map_or("", String::as_str), room)
}
