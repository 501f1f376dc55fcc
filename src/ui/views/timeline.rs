//! What all charts share: the stretch of time that they show, its labels, what happened
//! in it, and the moment that is read.
//!
//! Invariant: the right end is called now only while news are fresh; a stretch of the
//! past says so in the title of each chart, and how to get back.

use ratatui::{buffer::Buffer, layout::Rect, text::Line};

use super::{Scene, draw_ends};
use crate::{
    app::stretch::{self, Shown, length_of, middle_of},
    controller::snapshot::{Mark, MarkKind, Point},
    model::Millis,
    ui::{
        format,
        theme::Role,
        widgets::{Axes, Flag, Sample, Tick, swatch},
    },
};

/// Steps between times on an axis, in seconds.
const STEPS: [Millis; 19] = [
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400,
    604_800,
];

/// Columns that a time on an axis takes, with the room around it.
const TICK: Millis = 12;

/// Fewer columns say nothing of what happened.
const LEAST_WORDS: usize = 14;

/// Longer ones are not told by the clock: it would not say which day.
const CLOCK_MS: Millis = 20 * 3_600_000;

/// The stretch of time that the charts show.
pub(super) struct Timeline {
    shown: Shown,
    interval: Millis,
    now: Millis,
    end: &'static str,
}

impl Timeline {
    /// All charts share it, so that what is above each other happened together.
    pub(super) fn of(scene: &Scene<'_>) -> Self {
        let snapshot = scene.snapshot();
        let end = if scene.is_over() {
            "end"
        } else if scene.traffic_age().is_none() || scene.is_unreported() {
            "now"
        } else {
            "last report"
        };
        Self {
            shown: scene.app.stretch.shown(snapshot),
            interval: stretch::interval(snapshot),
            now: scene.shown_at(),
            end,
        }
    }

    /// Whether its right end is the latest report.
    pub(super) fn is_live(&self) -> bool {
        self.shown.is_live
    }

    /// How long it is, in the units of its samples.
    pub(super) fn span(&self) -> f64 {
        self.shown.span() as f64
    }

    /// Samples of one series.
    pub(super) fn samples(
        &self,
        points: &[Point],
        value: impl Fn(&Point) -> Option<f64>,
    ) -> Vec<Sample> {
        let sample = |point: &Point| {
            Some(Sample {
                x: self.x(middle_of(point, self.interval)),
                length: length_of(point, self.interval) as f64,
                y: value(point)?,
                is_settled: point.complete,
            })
        };
        self.visible(points).iter().filter_map(sample).collect()
    }

    /// The points of this stretch, and the ones beside it.
    pub(super) fn visible<'a>(&self, points: &'a [Point]) -> &'a [Point] {
        let first = points.partition_point(|point| point.at < self.shown.from).saturating_sub(1);
        let last = points.partition_point(|point| point.at <= self.shown.to);
        points.get(first..points.len().min(last + 1)).unwrap_or_default()
    }

    /// Where a moment is, in milliseconds from the left end.
    pub(super) fn x(&self, at: Millis) -> f64 {
        at as f64 - self.shown.from as f64
    }

    /// Lets a click into the chart read its moment.
    pub(super) fn register(&self, field: Rect, scene: &Scene<'_>) {
        if !field.is_empty() {
            scene.chart(field, self.shown.from, self.shown.span());
        }
    }

    /// The axes of a chart of this stretch; `ticks` is [`Timeline::ticks`].
    pub(super) fn axes<'a>(
        &self,
        scene: &Scene<'_>,
        ticks: &'a dyn Fn(u16) -> Vec<Tick>,
    ) -> Axes<'a> {
        let share = |at| self.x(at) / self.span();
        let mut flags: Vec<(MarkKind, Flag)> = self
            .marks(scene)
            .map(|mark| {
                let (glyph, role) = look(mark.kind, scene);
                (mark.kind, Flag { at: share(mark.at), glyph, role })
            })
            .collect();
        // The gravest is seen where there are several.
        flags.sort_by_key(|(kind, _)| *kind);
        let flags = flags.into_iter().map(|(_, flag)| flag).collect();
        Axes::new(scene.theme, ticks).flags(flags).cursor(scene.app.stretch.cursor.map(share))
    }

    fn marks<'s>(&self, scene: &'s Scene<'_>) -> impl Iterator<Item = &'s Mark> {
        let shown = self.shown;
        scene.snapshot().marks.iter().filter(move |mark| shown.contains(mark.at))
    }

    /// The times below an axis of so many columns: how long ago while it is live, and by
    /// the clock in the past.
    pub(super) fn ticks(&self, columns: u16) -> Vec<Tick> {
        let most = (Millis::from(columns) / TICK).max(1);
        let span = self.shown.span();
        let step = STEPS.iter().map(|s| s * 1000).find(|step| span / step <= most);
        let step = step.unwrap_or(span.div_ceil(most)).max(1);
        let share = |at: Millis| self.x(at) / self.span();
        if self.shown.is_live || span > CLOCK_MS {
            let word = if self.shown.is_live { self.end } else { "" };
            let since_end = self.now.saturating_sub(self.shown.to) * u64::from(word.is_empty());
            let ticks = (0..=span / step).map(|nth| Tick {
                at: share(self.shown.to.saturating_sub(nth * step)),
                text: match nth * step + since_end {
                    0 => word.to_owned(),
                    _ if nth == 0 && !word.is_empty() => word.to_owned(),
                    ago => format!("-{}", short_span(ago)),
                },
            });
            return ticks.collect();
        }
        let first = self.shown.from.div_ceil(step);
        let last = self.shown.to / step;
        let has_seconds = !step.is_multiple_of(60_000);
        let text = |at| if has_seconds { clock(at) } else { clock(at)[..5].to_owned() };
        (first..=last).map(|nth| Tick { at: share(nth * step), text: text(nth * step) }).collect()
    }

    /// What a title says at its right end: the age of what is there, or that it is past.
    pub(super) fn note(
        &self,
        scene: &Scene<'_>,
        title: &str,
        width: u16,
    ) -> Option<(Role, String)> {
        if self.shown.is_live {
            return scene.traffic_age();
        }
        let room = usize::from(width).saturating_sub(title.len() + 7);
        let note = self.past_words().into_iter().find(|words| words.len() <= room)?;
        Some((Role::Warn, note))
    }

    /// That this is past, and how to come back; the longest first.
    fn past_words(&self) -> [String; 4] {
        let (from, to) = (clock(self.shown.from), clock(self.shown.to));
        [
            format!("{from} to {to} UTC, not live: End"),
            format!("{from} to {to}: not live"),
            "not live: End".into(),
            "not live".into(),
        ]
    }

    /// What stretch some figures from then to then are of: `12:03:10 to 12:08:10 UTC`, or
    /// how long, up to now.
    pub(super) fn stretch_words(&self, from: Millis, to: Millis) -> String {
        if self.shown.is_live {
            format!("last {}", format::span(to.saturating_sub(from)))
        } else {
            format!("{} to {} UTC", clock(from), clock(to))
        }
    }

    /// The moment that is read, or else what happened last: the longest words first.
    fn words(&self, scene: &Scene<'_>) -> Vec<Line<'static>> {
        let Some(cursor) = scene.app.stretch.cursor else {
            let Some(mark) = self.marks(scene).last() else { return Vec::new() };
            let ago = format::span(self.now.saturating_sub(mark.at));
            return vec![mark_words(mark, &format!(", {ago} ago"), scene)];
        };
        let ago = format::span(self.now.saturating_sub(cursor));
        let at = clock(cursor);
        let of = stretch::point_at(scene.snapshot(), cursor)
            .map(|point| format!(", of {}", short_span(length_of(point, self.interval))));
        let texts = [
            format!("{at} UTC, {ago} ago{}", of.unwrap_or_default()),
            format!("{at} UTC, {ago} ago"),
            format!("{at} UTC"),
            at,
        ];
        let texts = texts.map(|text| Line::from(scene.span(Role::Accent, text)));
        let marked = self.mark_at(cursor, scene).into_iter().flat_map(|mark| {
            texts.clone().map(|text| {
                let mut line = mark_words(mark, "  ", scene);
                line.extend(text.spans);
                line
            })
        });
        marked.chain(texts.clone()).collect()
    }

    /// What happened about then.
    fn mark_at<'s>(&self, at: Millis, scene: &'s Scene<'_>) -> Option<&'s Mark> {
        let near = self.shown.span() / 40 + self.interval;
        let nearest = self.marks(scene).min_by_key(|mark| mark.at.abs_diff(at));
        nearest.filter(|mark| mark.at.abs_diff(at) <= near)
    }

    /// What happened at the moment that is read, cut to `room`.
    pub(super) fn read_mark(&self, scene: &Scene<'_>, room: usize) -> Option<Line<'static>> {
        let mut mark = self.mark_at(scene.app.stretch.cursor?, scene)?.clone();
        if room < LEAST_WORDS {
            return None;
        }
        mark.text = format::cut(&mark.text, room - 2);
        Some(mark_words(&mark, "", scene))
    }

    /// Draws `left`, and beside it as many words about the moment as fit.
    pub(super) fn draw_words(
        &self,
        buffer: &mut Buffer,
        row: Rect,
        left: Line<'static>,
        scene: &Scene<'_>,
    ) {
        let room = usize::from(row.width).saturating_sub(left.width() + 2);
        let right = self.words(scene).into_iter().find(|words| words.width() <= room);
        draw_ends(buffer, row, left, right.unwrap_or_default());
    }
}

/// What a mark says, and something after it.
fn mark_words(mark: &Mark, after: &str, scene: &Scene<'_>) -> Line<'static> {
    let (glyph, role) = look(mark.kind, scene);
    Line::from(vec![
        scene.span(role, format!("{glyph} ")),
        scene.span(Role::Text, mark.text.clone()),
        scene.span(Role::Dim, after.to_owned()),
    ])
}

/// A line of a chart in its legend.
pub(super) struct Entry {
    pub(super) role: Role,
    /// On a terminal without Unicode.
    pub(super) plain: char,
    pub(super) name: &'static str,
    /// Its value at the moment that is read.
    pub(super) value: Option<String>,
}

/// Letters of a name that tell the lines of a chart apart.
const LETTERS: usize = 4;

/// The legend of a chart. A value is never cut, which would be another value: where there
/// is no room the names are.
pub(super) fn legend(entries: &[Entry], room: u16, scene: &Scene<'_>) -> Line<'static> {
    let line = legend_in_full(entries, scene);
    // Two blanks are at its end.
    if line.width() <= usize::from(room) + 2 || entries.iter().all(|it| it.value.is_none()) {
        return line;
    }
    let short = |letters: usize| -> Line<'static> {
        let entry = |it: &Entry| {
            let name: String = it.name.chars().take(letters).collect();
            [
                scene.span(it.role, format!("{name} ")),
                scene.span(Role::Strong, format!("{}  ", it.value.as_deref().unwrap_or("-"))),
            ]
        };
        entries.iter().flat_map(entry).collect()
    };
    let line = short(usize::MAX);
    if line.width() <= usize::from(room) + 2 { line } else { short(LETTERS) }
}

fn legend_in_full(entries: &[Entry], scene: &Scene<'_>) -> Line<'static> {
    let mut line = Line::default();
    for entry in entries {
        line.push_span(swatch(entry.role, entry.plain, scene.theme));
        line.push_span(scene.span(Role::Dim, format!("{} ", entry.name)));
        if let Some(value) = &entry.value {
            line.push_span(scene.span(Role::Strong, format!("{value} ")));
        }
        line.push_span(scene.span(Role::Dim, " "));
    }
    line
}

/// The point that is read.
pub(super) fn reading<'s>(scene: &'s Scene<'_>) -> Option<&'s Point> {
    stretch::point_at(scene.snapshot(), scene.app.stretch.cursor?)
}

/// How a mark looks: what stands on the axis, and what it is.
fn look(kind: MarkKind, scene: &Scene<'_>) -> (char, Role) {
    let (glyph, plain, role) = match kind {
        MarkKind::Batch => ('▲', '^', Role::Connected),
        MarkKind::Pause => ('‖', '"', Role::Text),
        MarkKind::Scale => ('■', '#', Role::Accent),
        MarkKind::Plan => ('◆', '*', Role::Accent),
        MarkKind::Fault => ('✗', 'x', Role::Error),
        MarkKind::End => ('●', 'E', Role::Strong),
    };
    (if scene.theme.has_unicode() { glyph } else { plain }, role)
}

/// `12:03:10`, in UTC.
pub(super) fn clock(at: Millis) -> String {
    let s = at / 1000;
    format!("{:02}:{:02}:{:02}", s / 3600 % 24, s / 60 % 60, s % 60)
}

/// A span on an axis: `90s`, `5m`, `2m30s`, `1h30m`, `2d`.
fn short_span(ms: Millis) -> String {
    let s = ms / 1000;
    let two = |high: Millis, unit: &str, low: Millis, small: &str| {
        if low == 0 { format!("{high}{unit}") } else { format!("{high}{unit}{low}{small}") }
    };
    match s {
        0 => format!("{ms}ms"),
        1..60 => format!("{s}s"),
        60..120 if s > 60 => format!("{s}s"),
        60..3600 => two(s / 60, "m", s % 60, "s"),
        3600..86_400 => two(s / 3600, "h", s / 60 % 60, "m"),
        _ => two(s / 86_400, "d", s / 3600 % 24, "h"),
    }
}

/// Ticks on an axis of so many rows: enough to read, not so many that it is a grid.
pub(super) fn ticks(rows: u16) -> usize {
    usize::from((rows / 3).clamp(3, 8))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline(span_s: Millis, end: Millis, is_live: bool) -> Timeline {
        let shown = Shown { from: end - span_s * 1000, to: end, is_live };
        Timeline { shown, interval: 1000, now: end, end: "now" }
    }

    fn texts(timeline: &Timeline, columns: u16) -> Vec<String> {
        let mut ticks = timeline.ticks(columns);
        ticks.sort_by(|a, b| a.at.total_cmp(&b.at));
        assert!(ticks.iter().all(|tick| (0.0..=1.0).contains(&tick.at)));
        ticks.into_iter().map(|tick| tick.text).collect()
    }

    #[test]
    fn times_are_round_and_as_many_as_there_is_room_for() {
        let end = 1_760_000_000_000;
        assert_eq!(texts(&timeline(300, end, true), 40), ["-4m", "-2m", "now"]);
        let wide = texts(&timeline(300, end, true), 90);
        assert_eq!(wide, ["-5m", "-4m", "-3m", "-2m", "-1m", "now"]);
        assert_eq!(
            texts(&timeline(10, end, true), 60),
            ["-10s", "-8s", "-6s", "-4s", "-2s", "now"]
        );
        assert_eq!(texts(&timeline(86_400, end, true), 60), ["-1d", "-18h", "-12h", "-6h", "now"]);
        // 2025-10-09 08:53:20 UTC.
        let past = timeline(300, end, false);
        assert_eq!(texts(&past, 40), ["08:50", "08:52"]);
        assert_eq!(
            texts(&timeline(30, end, false), 40),
            ["08:52:50", "08:53:00", "08:53:10", "08:53:20"]
        );
        assert_eq!(past.past_words()[0], "08:48:20 to 08:53:20 UTC, not live: End");
        let spans = [400, 30_000, 90_000, 150_000, 300_000, 5_400_000, 108_000_000];
        assert_eq!(spans.map(short_span), ["400ms", "30s", "90s", "2m30s", "5m", "1h30m", "1d6h"]);
    }

    #[test]
    fn no_stretch_makes_more_labels_than_there_are_columns() {
        for span in [1, 7, 59, 100, 86_400 * 14, 1_700_000_000] {
            for columns in [1, 13, 60, 300] {
                for is_live in [true, false] {
                    let ticks = timeline(span, 1_760_000_000_000, is_live).ticks(columns);
                    assert!(ticks.len() <= usize::from(columns) + 2, "{span} s on {columns}");
                }
            }
        }
    }
}
