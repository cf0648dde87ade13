//! What stands around a screen: the head line with breadcrumbs and status, the tabs, the footer.

use ratatui::{buffer::Buffer, layout::Rect};

use super::Tui;
use super::goto::FORMS;
use crate::model::{Application, ApplicationStatus};
use crate::tui::action::Action;
use crate::tui::ascii;
use crate::tui::line;
use crate::tui::screen::Context;
use crate::tui::theme::Role;
use crate::tui::widgets::Glyphs;
use crate::units;

/// Below this the screen says so instead of drawing.
const SMALLEST: (u16, u16) = (40, 10);

/// From this width on the head line tells Spark's version too.
const ROOMY: u16 = 100;

/// A key and what it does in a word.
type Hint = (String, &'static str);

/// The room of a screen: all but the head line, the tabs and the footer.
pub fn body(area: Rect, tabs: bool) -> Rect {
    let head = 1 + u16::from(tabs);
    Rect {
        y: area.y.saturating_add(head).min(area.bottom()),
        height: area.height.saturating_sub(head + 1),
        ..area
    }
}

/// The footer.
pub fn foot(area: Rect) -> Rect {
    Rect {
        y: area.bottom().saturating_sub(1),
        height: area.height.min(1),
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
        match (&self.loading, &self.retry) {
            (Some(loading), _) => loading.render(body, buf, &cx),
            (None, Some(retry)) => self.render_retry(retry, body, buf),
            (None, None) => {
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
                if let Some(shown) = &self.shown {
                    shown.render(body, buf, &cx);
                }
                if let Some(picker) = &self.picker {
                    picker.render(body, buf, &cx);
                }
            }
        }
        self.render_foot(foot(area), buf, &cx);
        if self.world.glyphs == Glyphs::Ascii {
            ascii::only(area, buf);
        }
    }

    fn render_head(&self, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let (status, role) = self.status(area.width < ROOMY, cx);
        let status = line::cut(&status, usize::from(area.width) * 2 / 3);
        let begin = line::put_right(buf, area, area.y, &status, cx.style(role));
        let room = usize::from(begin.saturating_sub(area.x)).saturating_sub(2);
        let name = "skewer  ";
        line::put(buf, area, area.x, area.y, &line::cut(name, room), cx.style(Role::Title));
        let unchecked = if self.unchecked { "INSECURE  " } else { "" };
        let x = area.x.saturating_add(8);
        line::put(buf, area, x, area.y, unchecked, cx.style(Role::Critical));
        let x = x.saturating_add(unchecked.len() as u16);
        let crumbs = fitting(
            &self.crumbs(cx),
            room.saturating_sub(name.len() + unchecked.len()),
            cx.glyphs,
        );
        line::put(buf, area, x, area.y, &crumbs, cx.style(Role::Text));
    }

    fn status(&self, short: bool, cx: &Context<'_>) -> (String, Role) {
        if self.stack.in_application() {
            application_status(short, self.coming_words(), cx)
        } else {
            let more = if self.is_list_coming() { ", more are coming" } else { "" };
            (self.stack.top().status(cx) + more, Role::Dim)
        }
    }

    /// Source, application and what is open in it: each name in full, and as short as it can be.
    fn crumbs(&self, cx: &Context<'_>) -> Vec<(String, String)> {
        let same = |name: String| (name.clone(), name);
        let mut crumbs = vec![same(self.source.clone())];
        if self.stack.in_application() {
            crumbs.push(application_name(cx.application()));
            crumbs.extend(self.stack.crumbs(cx).into_iter().map(same));
        }
        if self.stack.in_comparison() {
            crumbs.push(same("Comparison".to_owned()));
        }
        if self.stack.in_help() {
            crumbs.push(same("Help".to_owned()));
        }
        crumbs
    }

    /// What stands above the screen in a snapshot: where it is and how the application came out, all of it.
    pub fn headline(&self) -> [String; 2] {
        let cx = self.world.cx();
        let mut crumbs: Vec<String> = self.crumbs(&cx).into_iter().map(|(full, _)| full).collect();
        if !self.stack.is_deep() {
            crumbs.push(self.stack.top().title(&cx));
        }
        let between = cx.glyphs.pick(" › ", " > ");
        [crumbs.join(between), self.status(false, &cx).0]
    }

    /// Draws the screen alone, `skipped` rows of its list left out.
    pub fn render_screen(&self, area: Rect, skipped: usize, buf: &mut Buffer) {
        self.stack.top().render(
            area,
            buf,
            &Context {
                skipped,
                whole: true,
                ..self.world.cx()
            },
        );
        if self.world.glyphs == Glyphs::Ascii {
            ascii::only(area, buf);
        }
    }

    fn render_tabs(&self, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let mut x = area.x;
        for (_, label, shown) in self.tab_labels(usize::from(area.width), cx) {
            let style = cx.style(if shown { Role::Tab } else { Role::Dim });
            x = line::put(buf, area, x, area.y, &label, style);
        }
        if let Some(reading) = self.reading_words() {
            let left = usize::from(area.right().saturating_sub(x)).saturating_sub(2);
            if left > 12 {
                line::put_right(buf, area, area.y, &line::cut(&reading, left), cx.style(Role::Running));
            }
        }
    }

    /// The tabs as they stand side by side in so many cells: number, label, whether it is the one shown. Where room is short the number
    /// of findings goes first, then names get short, then only the tab shown has one.
    pub(super) fn tab_labels(&self, width: usize, cx: &Context<'_>) -> Vec<(u8, String, bool)> {
        let findings = cx.findings().len();
        let label = |way: usize, (number, [name, short], shown): (u8, [&str; 2], bool)| {
            let text = match (way, name) {
                (0, "Findings") => format!(" {number} {name} ({findings}) "),
                (0 | 1, _) => format!(" {number} {name} "),
                _ if shown => format!(" {number} {short} "),
                (2, _) => format!(" {number} {short}"),
                _ => format!(" {number}"),
            };
            (number, text, shown)
        };
        let labels = |way: usize| -> Vec<_> { self.stack.tabs().map(|tab| label(way, tab)).collect() };
        let fits = |labels: &Vec<(u8, String, bool)>| {
            labels.iter().map(|(_, label, _)| line::width(label)).sum::<usize>() <= width
        };
        (0..3).map(labels).find(fits).unwrap_or_else(|| labels(3))
    }

    fn render_foot(&self, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        if let Some(typed) = &self.prompt {
            let x = line::put(
                buf,
                area,
                area.x,
                area.y,
                &format!(":{typed}_  "),
                cx.style(Role::Title),
            );
            let suggested = self.suggestions(typed);
            let text = if suggested.is_empty() {
                FORMS.to_owned()
            } else {
                format!("Tab: {}", suggested.join("  "))
            };
            line::put(buf, area, x, area.y, &text, cx.style(Role::Dim));
            return;
        }
        if let Some((text, role)) = &self.said {
            line::put(buf, area, area.x, area.y, text, cx.style(*role));
            return;
        }
        let (own, always) = self.hints();
        let wide = |(key, hint): &Hint| line::width(key) + 1 + line::width(hint) + 2;
        let mut left = usize::from(area.width).saturating_sub(always.iter().map(wide).sum());
        let fits = |hint: &Hint| {
            let fits = wide(hint) <= left;
            left = if fits { left - wide(hint) } else { 0 };
            fits
        };
        let own: Vec<Hint> = own.into_iter().filter(fits).collect();
        let mut x = area.x;
        for (key, hint) in own.into_iter().chain(always) {
            x = line::put(buf, area, x, area.y, &key, cx.style(Role::Key)).saturating_add(1);
            x = line::put(buf, area, x, area.y, hint, cx.style(Role::Dim)).saturating_add(2);
        }
    }

    /// Keys and words of the footer: what the screen can do as far as there is room, and what is always told.
    fn hints(&self) -> (Vec<Hint>, Vec<Hint>) {
        let (own, always): (Vec<Action>, &[Action]) = if self.loading.is_some() {
            (Vec::new(), &[Action::Back, Action::Quit])
        } else if self.shown.is_some() {
            (Vec::new(), &[Action::Down, Action::PageDown, Action::Back])
        } else if self.retry.is_some() {
            (Vec::new(), &[Action::Reload, Action::Quit])
        } else if self.picker.is_some() {
            (Vec::new(), &[Action::Up, Action::Down, Action::Enter, Action::Back])
        } else if self.typing() {
            (Vec::new(), &[Action::Accept, Action::Back])
        } else {
            let more = [
                Action::Back,
                Action::Export,
                Action::GoTo,
                Action::FullReport,
                Action::Reload,
            ];
            let own = self.stack.top().actions();
            let more = more.into_iter().filter(|action| !own.contains(action));
            (own.iter().copied().chain(more).collect(), &[Action::Help, Action::Quit])
        };
        let hint = |action: Action| match action {
            Action::Accept => Some(("Enter".to_owned(), "keep the filter")),
            action => {
                let binding = self.keymap.binding(action)?;
                let key = binding.keys.first()?;
                let label = match self.world.glyphs {
                    Glyphs::Ascii => key.plain_label(),
                    Glyphs::Unicode => key.label(),
                };
                Some((label, binding.hint))
            }
        };
        let own = own.into_iter().filter_map(hint).collect();
        (own, always.iter().copied().filter_map(hint).collect())
    }
}

/// What an application is called: with its id and attempt, and by its name alone.
fn application_name(application: &Application) -> (String, String) {
    let short = if application.name.is_empty() {
        &application.id
    } else {
        &application.name
    };
    let mut full = short.clone();
    if !application.id.is_empty() && application.id != *short {
        full.push_str(&format!(" ({})", application.id));
    }
    full.extend(
        application
            .attempt
            .iter()
            .flat_map(|attempt| [" attempt ", attempt.as_str()]),
    );
    (full, short.clone())
}

/// How an application came out, how long it took, under which Spark, and what its numbers were read from.
fn application_status(short: bool, coming: Option<String>, cx: &Context<'_>) -> (String, Role) {
    let application = cx.application();
    let (mark, role) = match application.status {
        // What it will come to is not known while it is read, and it runs while it is followed.
        _ if cx.partial => (cx.glyphs.pick("…", "."), Role::Running),
        _ if coming.is_some() => (cx.glyphs.pick("▶", ">"), Role::Running),
        ApplicationStatus::Completed => (cx.glyphs.pick("✓", "+"), Role::Good),
        ApplicationStatus::Failed => (cx.glyphs.pick("✗", "x"), Role::Critical),
        ApplicationStatus::Running => (cx.glyphs.pick("▶", ">"), Role::Running),
        ApplicationStatus::Incomplete => (cx.glyphs.pick("…", "."), Role::Warning),
    };
    let word = coming.unwrap_or_else(|| application.status.name().to_owned());
    let mut words = vec![format!("{mark} {word}")];
    words.extend(application.wall_ms().map(units::duration));
    if let Some(version) = application.spark_version.as_ref().filter(|_| !short) {
        words.push(format!("Spark {version}"));
    }
    words.push(format!("source: {}", application.origin.name()));
    (words.join(cx.glyphs.pick(" · ", " | ")), role)
}

/// The crumbs that fit: first the source goes, then names get short, then the outermost go; the innermost stays.
fn fitting(crumbs: &[(String, String)], room: usize, glyphs: Glyphs) -> String {
    let between = glyphs.pick(" › ", " > ");
    let join = |skipped: usize, short: bool| {
        let names = crumbs
            .iter()
            .skip(skipped)
            .map(|(full, brief)| if short { brief } else { full });
        names.map(String::as_str).collect::<Vec<_>>().join(between)
    };
    let ways = [(0, false), (1, false), (1, true)]
        .into_iter()
        .chain((2..crumbs.len()).map(|skipped| (skipped, true)));
    for (skipped, short) in ways.filter(|(skipped, _)| *skipped < crumbs.len()) {
        let dots = if skipped > 1 {
            glyphs.pick("… › ", ".. > ")
        } else {
            ""
        };
        let text = format!("{dots}{}", join(skipped, short));
        if line::width(&text) <= room {
            return text;
        }
    }
    line::cut(crumbs.last().map_or("", |(full, _)| full), room)
}
