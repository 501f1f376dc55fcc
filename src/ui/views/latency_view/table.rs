//! The percentiles of each label, response and service times side by side, or below
//! each other where that has no room.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
    widgets::Widget,
};

use super::{Scene, nothing_yet, source_words, stretch_words, times};
use crate::{
    app::times::{PERCENTILES, Row},
    controller::snapshot::Quantiles,
    ui::{
        format,
        theme::Role,
        views::{timeline::Timeline, wrap},
        widgets::Pane,
    },
};

const TITLE: &str = "Response and service time by label";

/// Columns of a percentile.
const CELL: usize = 8;
/// Most rows of labels: the charts are to be seen, too.
const MOST_LABELS: usize = 7;

/// Which percentiles there are, for fewer and fewer columns.
const CHOICES: [&[usize]; 7] = [
    &[0, 1, 2, 3, 4, 5, 6],
    &[0, 1, 2, 3, 4, 6],
    &[0, 1, 3, 4, 6],
    &[0, 1, 3, 6],
    &[0, 3, 6],
    &[0, 3],
    &[3],
];

/// A line of figures: what is not known is NaN.
struct Figures {
    label: String,
    counts: Option<(u64, u64)>,
    response: [f64; 7],
    service: [f64; 7],
}

/// How the columns are arranged.
struct Columns {
    label: usize,
    requests: usize,
    errors: usize,
    percentiles: &'static [usize],
    side_by_side: bool,
}

/// The table.
pub(super) struct Table {
    rows: Vec<Figures>,
    columns: Columns,
    has_border: bool,
    /// What is said beside the title: the longest first.
    notes: Vec<(Role, String)>,
    /// Rows that it takes.
    pub(super) height: u16,
}

impl Table {
    /// The table for the upper part of `body`: at most a half of it, so that charts have
    /// room; all of it where they have none anyway.
    pub(super) fn of(scene: &Scene<'_>, body: Rect, has_border: bool) -> Self {
        let (rows, notes) = rows(scene);
        let inner = usize::from(body.width.saturating_sub(if has_border { 4 } else { 2 }));
        let longest = rows.iter().map(|row| row.label.chars().count()).max().unwrap_or(0);
        let columns = Columns::within(inner, longest);
        let border = if has_border { 2 } else { 0 };
        let labels = if has_border { MOST_LABELS } else { 1 };
        let (head, each) = (columns.head_lines(), columns.lines_each());
        let most = usize::from(body.height / 2).saturating_sub(head + border);
        let needed = rows.len().clamp(1, labels) * each;
        // Where some are left out, one line says how many.
        let cut = (most.saturating_sub(1) / each).max(1) * each + 1;
        let lines = if needed <= most || !has_border { needed } else { cut };
        let height = (lines + head + border) as u16;
        Self { rows, columns, has_border, notes, height }
    }

    pub(super) fn draw(self, buffer: &mut Buffer, area: Rect, scene: &Scene<'_>) {
        let inner = if self.has_border {
            let room = usize::from(area.width).saturating_sub(TITLE.len() + 7);
            let note = self.notes.into_iter().find(|(_, note)| note.len() <= room);
            Pane::new(TITLE).note(note).render(area, buffer, scene.theme)
        } else {
            Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area }
        };
        let lines = if self.rows.is_empty() {
            let lines = wrap(&nothing_yet(scene), usize::from(inner.width));
            lines.into_iter().map(|line| Line::from(scene.span(Role::Dim, line))).collect()
        } else {
            lines(&self.rows, &self.columns, usize::from(inner.height), scene)
        };
        for (line, row) in lines.into_iter().zip(inner.rows()) {
            line.render(row, buffer);
        }
    }
}

/// The head and the labels, as many as there are lines for.
fn lines(
    rows: &[Figures],
    columns: &Columns,
    room: usize,
    scene: &Scene<'_>,
) -> Vec<Line<'static>> {
    let mut lines = columns.head(scene);
    let (room, each) = (room.saturating_sub(lines.len()), columns.lines_each());
    let fits = rows.len() * each <= room;
    let shown = if fits { rows.len() } else { (room.saturating_sub(1) / each).max(1) };
    for (nth, row) in rows.iter().take(shown).enumerate() {
        lines.extend(columns.row(row, nth == 0, scene));
    }
    // Seen where the last label left a line for it.
    if shown < rows.len() {
        let more = rows.len() - shown;
        let labels = if more == 1 { "label" } else { "labels" };
        lines.push(Line::from(scene.span(Role::Dim, format!("{more} {labels} more"))));
    }
    lines
}

impl Columns {
    fn within(width: usize, longest: usize) -> Self {
        let label = longest.clamp(5, 16) + 2;
        let (requests, errors) = (12, 9);
        let taken = label + requests + errors;
        let side = |chosen: &&&[usize]| taken + 2 + 2 * CELL * chosen.len() <= width;
        if let Some(percentiles) = CHOICES[..4].iter().find(side) {
            return Columns { label, requests, errors, percentiles, side_by_side: true };
        }
        // The name of the time stands beside the label.
        let label = longest.clamp(3, 14) + 10;
        let taken = label + requests + errors;
        let fits = |taken: usize| move |it: &&&[usize]| taken + CELL * it.len() <= width;
        if let Some(percentiles) = CHOICES[..4].iter().find(fits(taken)) {
            return Columns { label, requests, errors, percentiles, side_by_side: false };
        }
        let (requests, errors) = if width >= 56 { (10, 8) } else { (0, 0) };
        let taken = label.min(18) + requests + errors;
        let percentiles = CHOICES.iter().find(fits(taken)).unwrap_or(&CHOICES[6]);
        Columns { label: label.min(18), requests, errors, percentiles, side_by_side: false }
    }

    fn lines_each(&self) -> usize {
        if self.side_by_side { 1 } else { 2 }
    }

    fn head_lines(&self) -> usize {
        if self.side_by_side { 2 } else { 1 }
    }

    fn head(&self, scene: &Scene<'_>) -> Vec<Line<'static>> {
        let dim = |text: String| scene.span(Role::Dim, text);
        let names = self.percentiles.iter().map(|nth| format!("{:>CELL$}", PERCENTILES[*nth].0));
        let names = names.collect::<Vec<_>>().concat();
        let counts = |text: &'static str, width: usize| {
            if width == 0 { String::new() } else { format!("{text:>width$}") }
        };
        let left = format!(
            "{:<label$}{}{}",
            "",
            counts("requests", self.requests),
            counts("errors", self.errors),
            label = self.label
        );
        if !self.side_by_side {
            return vec![Line::from(dim(left + &names))];
        }
        // Over its percentiles, from where the first of them begins.
        let group = |name: &str| format!("{name:>CELL$}{:1$}", "", names.len() - CELL);
        let above = format!("{:1$}", "", left.len());
        vec![
            Line::from(vec![
                dim(above),
                scene.span(Role::Strong, group("response")),
                dim("  ".into()),
                scene.span(Role::Strong, group("service")),
            ]),
            Line::from(dim(format!("{left}{names}  {names}"))),
        ]
    }

    /// A label's line, or its two lines.
    fn row(&self, row: &Figures, is_first: bool, scene: &Scene<'_>) -> Vec<Line<'static>> {
        let role = if is_first { Role::Strong } else { Role::Text };
        let counts = self.counts(row, role, scene);
        let cells = |of: &[f64; 7]| scene.span(role, self.cells(of));
        if self.side_by_side {
            let label = format::cut(&row.label, self.label - 2);
            let mut spans = vec![scene.span(role, format!("{label:<width$}", width = self.label))];
            spans.extend(counts);
            spans.extend([cells(&row.response), Span::raw("  "), cells(&row.service)]);
            return vec![Line::from(spans)];
        }
        let width = self.label - 9;
        let label = format::cut(&row.label, width.saturating_sub(1));
        let mut first =
            vec![scene.span(role, format!("{label:<width$}")), scene.span(Role::Dim, "response ")];
        first.extend(counts);
        first.push(cells(&row.response));
        let blank = format!("{:width$}", "");
        let gap = format!("{:1$}", "", self.requests + self.errors);
        let second = vec![
            Span::raw(blank),
            scene.span(Role::Dim, "service  "),
            Span::raw(gap),
            scene.span(Role::Text, self.cells(&row.service)),
        ];
        vec![Line::from(first), Line::from(second)]
    }

    fn counts(&self, row: &Figures, role: Role, scene: &Scene<'_>) -> Vec<Span<'static>> {
        if self.requests == 0 {
            return Vec::new();
        }
        let text = |count: Option<u64>| count.map_or_else(|| "-".to_owned(), format::count);
        let errors = row.counts.map(|(_, errors)| errors);
        let error_role = if errors.unwrap_or(0) > 0 { Role::Error } else { Role::Dim };
        let requests = text(row.counts.map(|(requests, _)| requests));
        vec![
            scene.span(role, format!("{requests:>0$}", self.requests)),
            scene.span(error_role, format!("{:>1$}", text(errors), self.errors)),
        ]
    }

    fn cells(&self, of: &[f64; 7]) -> String {
        let cell = |nth: &usize| {
            let ms = of[*nth];
            let text = if ms.is_finite() { format::latency(ms) } else { "-".into() };
            format!("{text:>CELL$}")
        };
        self.percentiles.iter().map(cell).collect()
    }
}

/// The exact figures of what is shown; as long as there are none, the live ones of the
/// latest window.
fn rows(scene: &Scene<'_>) -> (Vec<Figures>, Vec<(Role, String)>) {
    if let Some(times) = times(scene) {
        let (role, source) = source_words(scene).unwrap_or((Role::Dim, String::new()));
        let stretch = stretch_words(times, scene);
        let mut notes =
            vec![format!("{stretch}, {source}, exact to 1 %"), format!("{stretch}, {source}")];
        // The age of what is live, the time of what is past.
        notes.push(if Timeline::of(scene).is_live() { source } else { stretch });
        let notes = notes.into_iter().map(|note| (role, note)).collect();
        return (times.rows.iter().map(figures).collect(), notes);
    }
    let window = scene.snapshot().traffic.value.window.filter(|_| !scene.is_over());
    let Some(window) = window else { return (Vec::new(), Vec::new()) };
    let live = |of: &Quantiles| {
        let unknown = f64::NAN;
        [of.p50, of.p90, unknown, of.p99, unknown, unknown, of.max]
    };
    let row = Figures {
        label: format!("last {}", format::span(window.length_ms)),
        counts: None,
        response: live(&window.response),
        service: live(&window.service),
    };
    (vec![row], vec![(Role::Dim, nothing_yet(scene))])
}

fn figures(row: &Row) -> Figures {
    let unknown = [f64::NAN; 7];
    Figures {
        label: row.label.clone().unwrap_or_else(|| "all".into()),
        counts: Some((row.requests, row.errors)),
        response: row.response.unwrap_or(unknown),
        service: row.service.unwrap_or(unknown),
    }
}
