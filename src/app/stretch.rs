//! Which stretch of time the charts show, and the moment that is read from them.
//!
//! Invariant: what is shown follows from this and the snapshot alone, so that all charts
//! show the same time. Live means that the right end is the latest report; whoever looks
//! at the past stays there until they go back.

mod ladder;

use std::sync::Arc;

use self::ladder::{M, S, fitting, longer, shorter};
use super::{action::Shift, state::App, times::Times, update::say, view::View};
use crate::{
    controller::snapshot::{Point, Snapshot},
    model::Millis,
};

/// The shortest span, in intervals: fewer points are no chart.
const FEWEST: Millis = 10;
/// The axis of a run that has just begun, in intervals.
const YOUNG: Millis = 60;
/// What is shown unless somebody zooms, in intervals.
const LATEST: Millis = 300;
/// Reading goes on by at least this part of what is shown: a step can be seen.
const STEPS: Millis = 120;

/// What the charts show.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stretch {
    /// How long it is.
    pub span: Span,
    /// Its right end (this machine's clock); none: live.
    pub end: Option<Millis>,
    /// The moment whose figures are read, if one is.
    pub cursor: Option<Millis>,
    /// What the exact response times of it come to, while a view shows them.
    pub times: Option<Arc<Times>>,
}

/// How much time the charts show.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Span {
    /// The latest few minutes, or hours where reports are rare.
    #[default]
    Latest,
    /// So many milliseconds.
    Of(Millis),
    /// All there is.
    WholeRun,
}

/// A stretch of time as it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// Its left end (this machine's clock).
    pub from: Millis,
    /// Its right end.
    pub to: Millis,
    /// Whether the right end goes on with the latest report.
    pub is_live: bool,
}

impl Shown {
    /// How long it is, in milliseconds; never zero.
    #[must_use]
    pub fn span(self) -> Millis {
        self.to.saturating_sub(self.from).max(1)
    }

    /// Whether a moment is in it.
    #[must_use]
    pub fn contains(self, at: Millis) -> bool {
        (self.from..=self.to).contains(&at)
    }
}

impl Stretch {
    /// What is shown of `snapshot`.
    #[must_use]
    pub fn shown(&self, snapshot: &Snapshot) -> Shown {
        let extent = Extent::of(snapshot);
        let span = match self.span {
            Span::Latest => fitting(LATEST * extent.interval).min(extent.whole()),
            Span::Of(span) => span.max(FEWEST * extent.interval).min(extent.whole()),
            Span::WholeRun => extent.whole(),
        };
        // A moment before the run's first is one of a run that is gone.
        let past = self.end.filter(|end| *end > extent.first && *end < extent.last);
        let to = past.unwrap_or(extent.last);
        Shown { from: to.saturating_sub(span), to, is_live: past.is_none() }
    }
}

/// All the time that there are figures of.
struct Extent {
    first: Millis,
    last: Millis,
    interval: Millis,
}

impl Extent {
    fn of(snapshot: &Snapshot) -> Self {
        let traffic = &snapshot.traffic.value;
        let columns = &snapshot.latency.value.columns;
        let interval = interval(snapshot);
        let points = traffic.points.first().zip(traffic.points.last());
        let points = points.map(|(first, last)| (first.at, end_of(last, interval)));
        let columns = columns.first().zip(columns.last());
        let columns =
            columns.map(|(first, last)| (first.at, last.at.saturating_add(last.length_ms)));
        let (first, last) = match (points, columns) {
            (Some(a), Some(b)) => (a.0.min(b.0), a.1.max(b.1)),
            (Some(all), None) | (None, Some(all)) => all,
            (None, None) => (snapshot.at, snapshot.at),
        };
        Extent { first, last: last.max(first), interval }
    }

    /// The span that shows all of it.
    fn whole(&self) -> Millis {
        fitting((self.last - self.first).max(YOUNG * self.interval))
    }
}

/// How long an interval is now, in milliseconds: never zero, and at most a minute.
#[must_use]
pub fn interval(snapshot: &Snapshot) -> Millis {
    match snapshot.traffic.value.interval_ms {
        // Before the first report, seconds are as good as any.
        0 => S,
        interval => interval.clamp(100, M),
    }
}

/// How long a point is, in milliseconds, where the latest are `interval` long.
#[must_use]
pub fn length_of(point: &Point, interval: Millis) -> Millis {
    if point.length_ms == 0 { interval } else { point.length_ms }
}

fn end_of(point: &Point, interval: Millis) -> Millis {
    point.at.saturating_add(length_of(point, interval))
}

/// The middle of a point: where it is drawn, and read.
#[must_use]
pub fn middle_of(point: &Point, interval: Millis) -> Millis {
    point.at.saturating_add(length_of(point, interval) / 2)
}

/// The point that a moment is in; none in a gap.
#[must_use]
pub fn point_at(snapshot: &Snapshot, at: Millis) -> Option<&Point> {
    let points = &snapshot.traffic.value.points;
    let next = points.partition_point(|point| point.at <= at);
    points[..next].last().filter(|point| at < end_of(point, interval(snapshot)))
}

/// Zooms, moves, or goes back to live.
pub(super) fn shift(app: &mut App, by: Shift, now: Millis) {
    let extent = Extent::of(app.shown());
    let shown = app.stretch.shown(app.shown());
    match by {
        Shift::In => match shorter(shown.span(), FEWEST * extent.interval) {
            Some(span) => zoom(app, shown, span, &extent),
            None => {
                say(app, "there are no shorter stretches: points are as long as this", now);
            }
        },
        Shift::Out if shown.span() >= extent.whole() => {
            app.stretch.span = Span::WholeRun;
            say(app, "the charts show the whole run", now);
        }
        Shift::Out => zoom(app, shown, longer(shown.span()), &extent),
        Shift::Earlier => {
            let end = shown.to.saturating_sub(shown.span() / 4);
            if shown.from <= extent.first {
                say(app, "nothing is earlier: the run begins here", now);
            } else {
                // The first moment stays at the left end.
                show_until(app, end.max(extent.first.saturating_add(shown.span())), &extent);
            }
        }
        Shift::Later => show_until(app, shown.to.saturating_add(shown.span() / 4), &extent),
        Shift::Live => app.stretch.end = None,
    }
}

/// Another span; what is read, or else the middle of the past, stays where it is.
fn zoom(app: &mut App, shown: Shown, span: Millis, extent: &Extent) {
    let middle = shown.from.midpoint(shown.to);
    let anchor = app.stretch.cursor.or((!shown.is_live).then_some(middle));
    if let Some(anchor) = anchor {
        let share = shown.to.saturating_sub(anchor) as f64 / shown.span() as f64;
        let right = (share * span as f64) as Millis;
        show_until(app, anchor.saturating_add(right), extent);
    }
    app.stretch.span = if span >= extent.whole() { Span::WholeRun } else { Span::Of(span) };
}

fn show_until(app: &mut App, end: Millis, extent: &Extent) {
    app.stretch.end = (end < extent.last).then_some(end);
}

/// Reads the figures of the point nearest to this moment; none closes it.
pub(super) fn read_at(app: &mut App, at: Option<Millis>) {
    let snapshot = app.shown();
    let interval = interval(snapshot);
    let nearest = |at: Millis| {
        let middles = snapshot.traffic.value.points.iter().map(|it| middle_of(it, interval));
        middles.min_by_key(|middle| middle.abs_diff(at))
    };
    app.stretch.cursor = at.and_then(nearest);
}

/// Reads the figures of a point earlier or later, and goes along where it leaves what is
/// shown. The first step reads the latest that is settled.
pub(super) fn read_next(app: &mut App, by: i32) {
    let snapshot = app.shown();
    let (extent, shown) = (Extent::of(snapshot), app.stretch.shown(snapshot));
    let middle = |point: &Point| middle_of(point, extent.interval);
    let points = &snapshot.traffic.value.points;
    let step = shown.span() / STEPS;
    let next = match app.stretch.cursor {
        None => points.iter().rfind(|point| point.complete && shown.contains(middle(point))),
        Some(cursor) if by < 0 => {
            points.iter().rfind(|it| middle(it) < cursor && cursor - middle(it) >= step)
        }
        Some(cursor) => points.iter().find(|it| middle(it) > cursor && middle(it) - cursor >= step),
    };
    let Some(next) = next.map(middle) else { return };
    app.stretch.cursor = Some(next);
    if !shown.contains(next) {
        let quarter = shown.span() / 4;
        let beyond = if next < shown.from { 3 * quarter } else { quarter };
        let end = next.saturating_add(beyond);
        show_until(app, end, &extent);
    }
}

/// Takes in what is new: a moment that has left the picture is no longer read, and the
/// exact times of what is shown are merged where a view shows them.
pub(super) fn refresh(app: &mut App) {
    let snapshot = app.shown();
    let shown = app.stretch.shown(snapshot);
    let cursor = app.stretch.cursor.filter(|at| shown.contains(*at));
    let times = match app.view {
        View::Latency => Times::of(&snapshot.latency.value, shown, app.stretch.times.as_ref()),
        _ => None,
    };
    (app.stretch.cursor, app.stretch.times) = (cursor, times);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{ladder::H, *};
    use crate::app::{
        action::Action,
        fixtures::{self, NOW},
        keys::press,
        update::update,
    };

    fn shown(app: &App) -> (Millis, Millis, bool) {
        let shown = app.stretch.shown(app.shown());
        (shown.span() / S, (NOW - shown.to) / S, shown.is_live)
    }

    /// Span, age of the right end, live or not, after these keys on a run of four minutes.
    fn after(keys: &str) -> (Millis, Millis, bool) {
        let mut app = fixtures::app(fixtures::steady());
        press(&mut app, keys, NOW);
        shown(&app)
    }

    #[test]
    fn keys_choose_the_stretch() {
        assert_eq!(after(""), (300, 0, true), "four minutes fit into five");
        assert_eq!(after("z"), (120, 0, true));
        assert_eq!(after("zzzzzzzz"), (10, 0, true), "no shorter than that");
        assert_eq!(after("zZ"), (300, 0, true));
        assert_eq!(after("ZZZ"), (300, 0, true), "no longer than the run");
        assert_eq!(after("z Left"), (120, 30, false));
        assert_eq!(after("z Left Left Right"), (120, 30, false));
        assert_eq!(after("z Left Right"), (120, 0, true), "up to now is live");
        assert_eq!(after("z Left Left Left Left Left Left Left"), (120, 120, false));
        assert_eq!(after("Left"), (300, 0, true), "nothing is earlier");
        // The middle stays in the middle.
        assert_eq!(after("z Left z"), (60, 60, false));
    }

    #[test]
    fn the_latest_minutes_of_a_long_run_are_shown_until_somebody_zooms() {
        let mut app = fixtures::app(fixtures::day());
        assert_eq!(shown(&app), (300, 0, true));
        press(&mut app, "ZZZZZZZZZZZZZZZZ", NOW);
        assert_eq!(app.stretch.span, Span::WholeRun);
        assert_eq!(shown(&app), (86_400, 0, true));
    }

    #[test]
    fn the_past_stays_while_the_run_goes_on_and_end_comes_back() {
        let mut app = fixtures::app(fixtures::steady());
        press(&mut app, "z Left", NOW);
        let before = app.stretch.shown(app.shown());
        let mut later = fixtures::steady();
        let points = Arc::make_mut(&mut later.traffic.value.points);
        let next = Point { at: NOW, ..points[points.len() - 1] };
        points.push(next);
        update(&mut app, Action::Observed(Arc::new(later)), NOW + S);
        assert_eq!(app.stretch.shown(app.shown()), before);
        update(&mut app, Action::Shift(Shift::Live), NOW + S);
        assert_eq!(app.stretch.shown(app.shown()).to, NOW + S);
        // A new run has a time of its own.
        press(&mut app, "Left", NOW);
        let mut new = fixtures::ramping();
        for point in Arc::make_mut(&mut new.traffic.value.points) {
            point.at += H;
        }
        update(&mut app, Action::Observed(Arc::new(new)), NOW + H);
        assert!(app.stretch.shown(app.shown()).is_live);
    }

    #[test]
    fn a_moment_is_read_point_by_point() {
        let mut app = fixtures::app(fixtures::steady());
        let read = |app: &App| {
            app.stretch.cursor.and_then(|at| point_at(app.shown(), at)).map(|it| (NOW - it.at) / S)
        };
        assert_eq!(read(&app), None);
        // The youngest point is not settled; at this zoom a step is three points.
        press(&mut app, ",", NOW);
        assert_eq!(read(&app), Some(2));
        press(&mut app, ",", NOW);
        assert_eq!(read(&app), Some(5));
        press(&mut app, ".", NOW);
        assert_eq!(read(&app), Some(2));
        update(&mut app, Action::ReadAt(NOW - 100 * S - 1), NOW);
        assert_eq!(read(&app), Some(101));
        // Zooming keeps it in sight, one point a step now, and reading goes on beyond the edge.
        press(&mut app, "zzzz", NOW);
        assert_eq!(read(&app), Some(101));
        assert_eq!(shown(&app).0, 10);
        press(&mut app, ",,,,,,,,,,,,", NOW);
        assert_eq!(read(&app), Some(113));
        assert!(app.stretch.cursor.is_some_and(|at| app.stretch.shown(app.shown()).contains(at)));
        press(&mut app, "Esc", NOW);
        assert_eq!((read(&app), shown(&app).0), (None, 10));
    }

    #[test]
    fn a_moment_that_left_the_picture_is_not_read_any_more() {
        let mut app = fixtures::app(fixtures::steady());
        press(&mut app, "zz", NOW);
        update(&mut app, Action::ReadAt(NOW - 50 * S), NOW);
        assert!(app.stretch.cursor.is_some());
        press(&mut app, "z Esc", NOW);
        assert_eq!(app.stretch.cursor, None);
        update(&mut app, Action::ReadAt(NOW - 50 * S), NOW);
        update(&mut app, Action::Shift(Shift::Live), NOW);
        let mut later = fixtures::steady();
        for point in Arc::make_mut(&mut later.traffic.value.points) {
            point.at += 200 * S;
        }
        update(&mut app, Action::Observed(Arc::new(later)), NOW + 200 * S);
        assert_eq!(app.stretch.cursor, None);
    }

    proptest! {
        #[test]
        fn whatever_is_pressed_something_of_the_run_is_shown(keys in "[zZ,.<>]{0,40}") {
            let mut app = fixtures::app(fixtures::steady());
            for key in keys.chars() {
                match key {
                    '<' => press(&mut app, "Left", NOW),
                    '>' => press(&mut app, "Right", NOW),
                    other => press(&mut app, &other.to_string(), NOW),
                };
                let shown = app.stretch.shown(app.shown());
                prop_assert!(shown.from < shown.to && shown.to <= NOW);
                prop_assert!(shown.to > NOW - 240 * S && shown.span() >= 10 * S);
                prop_assert!(app.stretch.cursor.is_none_or(|at| shown.contains(at)));
            }
        }
    }
}
