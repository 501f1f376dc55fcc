//! What each part of the screen says.
//!
//! Invariant: a view reads the [`Scene`] and writes into its own rectangle. Figures
//! that are older than they should be say so in the title of their pane.

mod badges;
#[cfg(test)]
mod chart_tests;
mod compact;
mod cost;
mod details;
mod devices;
mod dialog;
mod empty;
mod fargate;
mod fleet;
mod footer;
mod header;
mod help;
mod instances;
mod latency;
mod latency_view;
mod lead;
mod listing;
mod notices;
mod notices_view;
mod overview;
mod palette;
mod panel;
mod ramp;
mod sentence;
mod small;
mod state;
mod stuck;
mod tabs;
mod target;
mod tasks;
mod throughput;
mod timeline;
mod traffic;

use std::{cell::RefCell, time::Duration};

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
    widgets::Widget,
};

use super::{
    format::{self, wrap},
    hits::Hits,
    layout::{self, Size},
    theme::{Role, Theme},
};
use crate::{
    app::{
        action::Action,
        state::{App, Mode},
        view::View,
    },
    controller::snapshot::{Aged, Phase, Point, Snapshot, Window},
    model::Millis,
};

/// How long the first report of a run may take before it is said that none comes.
const FIRST_REPORT_MS: Millis = 30_000;

/// All that a view may know.
pub(super) struct Scene<'a> {
    /// The dashboard.
    pub(super) app: &'a App,
    /// How things look here.
    pub(super) theme: Theme,
    /// What can be pointed at, as far as it is drawn.
    pub(super) hits: RefCell<Hits>,
    /// The time.
    pub(super) now: Millis,
}

/// Draws everything.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let size = Size::of(area);
    if size == Size::Tiny {
        return small::draw_tiny(buffer, area, scene);
    }
    let lines = sentence::lines(scene, area.width);
    let frame = layout::frame(area, lines, tabs::has_news(scene));
    header::draw(buffer, frame.header, size, scene);
    sentence::draw(buffer, frame.sentence, scene);
    tabs::draw(buffer, frame.tabs, size, scene);
    match scene.app.view {
        View::Overview => draw_overview(buffer, frame.body, size, scene),
        View::Instances => instances::draw(buffer, frame.body, scene),
        View::Tasks => tasks::draw(buffer, frame.body, scene),
        View::Latency => latency_view::draw(buffer, frame.body, scene),
        View::Target => target::draw(buffer, frame.body, size, scene),
        View::Notices => notices_view::draw(buffer, frame.body, scene),
    }
    footer::draw(buffer, frame.footer, scene);
    draw_mode(buffer, area, scene);
}

fn draw_overview(buffer: &mut Buffer, body: Rect, size: Size, scene: &Scene<'_>) {
    match size {
        Size::Medium | Size::Large | Size::Huge => overview::draw(buffer, body, size, scene),
        Size::Small => small::draw(buffer, body, scene),
        Size::Compact | Size::Tiny => compact::draw(buffer, body, scene),
    }
}

/// What is open over the view.
fn draw_mode(buffer: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    if !matches!(scene.app.mode, Mode::Normal | Mode::Prompt(_)) {
        scene.hits.borrow_mut().cover();
    }
    match &scene.app.mode {
        Mode::Dialog(dialog) => dialog::draw(buffer, area, *dialog, scene),
        Mode::Help => help::draw(buffer, area, scene),
        Mode::Stuck => {
            if let Some(stuck) = scene.app.stuck() {
                stuck::draw(buffer, area, stuck, scene);
            }
        }
        Mode::Palette(palette) => palette::draw(buffer, area, palette, scene),
        Mode::Normal | Mode::Prompt(_) => {}
    }
}

impl Scene<'_> {
    fn snapshot(&self) -> &Snapshot {
        self.app.shown()
    }

    /// The time of the picture: a frozen one does not age.
    fn shown_at(&self) -> Millis {
        self.app.shown_at(self.now)
    }

    /// How old the picture is, by now.
    fn since_snapshot(&self) -> Millis {
        self.shown_at().saturating_sub(self.snapshot().at)
    }

    fn span(&self, role: Role, text: impl Into<String>) -> Span<'static> {
        Span::styled(text.into(), self.theme.style(role))
    }

    /// What is drawn here can be clicked, and means this then.
    fn click(&self, area: Rect, action: Action) {
        self.hits.borrow_mut().click(area, action);
    }

    /// What is drawn here can be scrolled: up and down mean this.
    fn wheel(&self, area: Rect, up: Action, down: Action) {
        self.hits.borrow_mut().wheel(area, up, down);
    }

    /// The list that is drawn has room for so many rows.
    fn has_rows(&self, rows: usize) {
        self.hits.borrow_mut().set_rows(rows);
    }

    /// So many lines of the details that are drawn are out of sight.
    fn hides(&self, lines: usize) {
        self.hits.borrow_mut().set_hidden(lines);
    }

    /// What is drawn here is a chart: a click reads the figures of its moment.
    fn chart(&self, area: Rect, from: Millis, span: Millis) {
        self.hits.borrow_mut().chart(area, from, span);
    }

    /// Takes what is behind a dialog back.
    fn dim(&self, buffer: &mut Buffer, area: Rect) {
        buffer.set_style(area, self.theme.style(Role::Dim));
    }

    fn phase(&self) -> Option<Phase> {
        self.snapshot().run.as_ref().map(|run| run.phase)
    }

    fn is_ended(&self) -> bool {
        self.phase() == Some(Phase::Ended)
    }

    /// Whether nothing runs any more: what is shown is final, and no news are due.
    fn is_over(&self) -> bool {
        matches!(self.phase(), Some(Phase::Collecting { .. } | Phase::Ended))
    }

    /// Whether nothing runs and nothing is to run: no news are due, and the last ones say
    /// nothing of now.
    fn is_idle(&self) -> bool {
        let snapshot = self.snapshot();
        let tasks = &snapshot.tasks.value;
        let tasks = [tasks.wanted, tasks.requested, tasks.pending, tasks.running, tasks.stopping];
        self.is_over() || tasks.iter().all(|n| *n == 0) && snapshot.devices.value.wanted == 0
    }

    /// Whether no device ever said how it is: an image that does not report, or agents
    /// that are not so far.
    fn is_unreported(&self) -> bool {
        let snapshot = self.snapshot();
        snapshot.run.is_some() && snapshot.devices.at.is_none() && snapshot.traffic.at.is_none()
    }

    /// Whether devices can only be counted by their tasks: none ever reported, and that
    /// is no matter of a moment, or makes no difference.
    fn counts_by_tasks(&self) -> bool {
        let snapshot = self.snapshot();
        let (tasks, devices) = (&snapshot.tasks.value, &snapshot.devices.value);
        let age = |started| self.shown_at().saturating_sub(started);
        self.is_unreported()
            && tasks.wanted > 0
            && (devices.wanted <= tasks.wanted
                || snapshot.run.as_ref().is_some_and(|run| age(run.started_at) > FIRST_REPORT_MS))
    }

    /// The age of a part that should come every so often, once it is worth a word.
    fn age<T>(&self, part: &Aged<T>, every: Duration) -> Option<(Role, String)> {
        match part.at {
            None if self.counts_by_tasks() => None,
            None => Some((Role::Dim, "no news yet".into())),
            Some(at) => self.age_note(self.shown_at().saturating_sub(at), every),
        }
    }

    /// The age of the agents' figures: of the news, and of the latest interval in
    /// them that every task reported.
    fn traffic_age(&self) -> Option<(Role, String)> {
        let traffic = &self.snapshot().traffic;
        let Some(at) = traffic.at else {
            let words = if self.counts_by_tasks() { "no reports" } else { "no reports yet" };
            return Some((Role::Dim, words.into()));
        };
        if self.is_over() {
            return Some((Role::Dim, "final".into()));
        }
        let held_back = match (traffic.value.points.last(), self.latest_point()) {
            (Some(last), Some(settled)) => last.at.saturating_sub(settled.at),
            _ => 0,
        };
        let age = self.shown_at().saturating_sub(at) + held_back;
        self.age_note(age, self.report_every())
    }

    /// How often news of the agents should come.
    fn report_every(&self) -> Duration {
        let snapshot = self.snapshot();
        let interval = Duration::from_millis(snapshot.traffic.value.interval_ms);
        snapshot.site.report.max(snapshot.site.refresh).max(interval)
    }

    fn age_note(&self, age: Millis, every: Duration) -> Option<(Role, String)> {
        if self.is_over() || age <= 3 * every.as_millis() as Millis {
            return None;
        }
        let role = if self.is_idle() { Role::Dim } else { Role::Warn };
        Some((role, format!("{} old", format::span(age))))
    }

    /// The latest interval that every task reported.
    fn latest_point(&self) -> Option<&Point> {
        self.snapshot().traffic.value.points.iter().rfind(|point| point.complete)
    }

    /// For how long nothing was answered although devices are connected, once that is
    /// longer than two intervals and so no accident of where an interval ends.
    fn unanswered_ms(&self) -> Option<Millis> {
        let traffic = &self.snapshot().traffic.value;
        let mut silent = traffic
            .points
            .iter()
            .rev()
            .skip_while(|point| !point.complete)
            .take_while(|point| point.requests_per_s <= 0.0 && point.connected > 0.0);
        let last = silent.next()?.at.saturating_add(traffic.interval_ms);
        let first = silent.last()?.at;
        let silence = last.saturating_sub(first);
        (silence > traffic.interval_ms.saturating_mul(2)).then_some(silence)
    }

    /// How long ago the latest whole window ended, once later ones should be there: then
    /// nothing was answered since.
    fn unanswered_since(&self, window: &Window) -> Option<Millis> {
        let ended = window.from.saturating_add(window.length_ms);
        let age = self.shown_at().saturating_sub(ended);
        let due = 3 * self.report_every().as_millis() as Millis + window.length_ms;
        (age > due && !self.is_over()).then_some(age)
    }

    /// Whether the generator itself is what is being measured.
    fn is_saturated(&self) -> bool {
        !self.is_over()
            && self.latest_point().is_some_and(|point| point.cpu > 0.9 || point.lag_ms > 50.0)
    }

    /// `100 devices over 10 s`: the next batch.
    fn batch(&self) -> String {
        let devices = format::counted(self.app.batch, "device");
        format!("{devices} {}", format::over(self.app.window))
    }
}

/// Draws `left` and `right` on one row; where both do not fit, `left` is cut.
fn draw_ends(buffer: &mut Buffer, row: Rect, left: Line<'_>, right: Line<'_>) {
    let right_width = (right.width() as u16).min(row.width);
    let room = row.width.saturating_sub(right_width + u16::from(right_width > 0));
    left.render(Rect { width: room, ..row }, buffer);
    let at = Rect { x: row.right() - right_width, width: right_width, ..row };
    right.render(at, buffer);
}

/// Draws `left` and `right` on one row; where both do not fit, `right` is left out.
fn draw_headline(buffer: &mut Buffer, row: Rect, left: Line<'_>, right: Line<'_>) {
    let fits = left.width() + right.width() < usize::from(row.width);
    draw_ends(buffer, row, left, if fits { right } else { Line::default() });
}
