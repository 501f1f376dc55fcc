//! Fargate, where instances would be: tasks, and what they take of the account's quota.

use ratatui::{buffer::Buffer, layout::Rect, text::Line, widgets::Widget};

use super::{Scene, draw_headline, fleet};
use crate::{
    controller::snapshot::FargateView,
    ui::{
        format,
        theme::Role,
        widgets::{Figure, Figures, Gauge, Pane},
    },
};

/// From this share of the quota on it matters.
const NARROW: f64 = 0.9;

pub(super) fn draw(buffer: &mut Buffer, area: Rect, fargate: &FargateView, scene: &Scene<'_>) {
    let tasks = &scene.snapshot().tasks;
    let run = scene.snapshot().run.as_ref();
    let note = run.and_then(|_| scene.age(tasks, scene.snapshot().site.refresh));
    let inner = Pane::new(title(fargate)).note(note).render(area, buffer, scene.theme);
    let mut rows = inner.rows();
    if let Some(row) = rows.next() {
        let memory = scene.span(Role::Dim, memory(fargate));
        draw_headline(buffer, row, vcpu(fargate, scene), memory.into());
    }
    if let Some(row) = rows.next() {
        match share(fargate) {
            Some(share) => {
                let role = if share >= NARROW { Role::Warn } else { Role::Connected };
                Gauge::new(share, scene.theme).role(role).render(row, buffer);
            }
            None => Line::from(scene.span(Role::Dim, "quota unknown")).render(row, buffer),
        }
    }
    Figures::new(figures(fargate), scene.theme).render(fleet::below(inner, 2), buffer);
}

/// The name of the pane, and of the row where there are no panes.
pub(super) fn title(fargate: &FargateView) -> &'static str {
    if fargate.spot { "Fargate Spot" } else { "Fargate" }
}

/// `40 tasks · 10 of 64 vCPU · 20 GB`.
pub(super) fn one_line(fargate: &FargateView, scene: &Scene<'_>) -> Line<'static> {
    let mut line = shortest(fargate, scene);
    line.push_span(scene.span(Role::Dim, format!(" · {}", memory(fargate))));
    line
}

/// `40 tasks · 10 of 64 vCPU`.
pub(super) fn shortest(fargate: &FargateView, scene: &Scene<'_>) -> Line<'static> {
    let mut line = Line::from(scene.span(Role::Strong, format::counted(fargate.tasks, "task")));
    line.push_span(scene.span(Role::Dim, " · "));
    line.extend(vcpu(fargate, scene).spans);
    line
}

/// What is short, or what is not known.
pub(super) fn short_words(fargate: &FargateView, scene: &Scene<'_>) -> Line<'static> {
    match (fargate.shortage, fargate.quota_vcpu) {
        (Some(_), _) => scene.span(Role::Warn, "no room left").into(),
        (None, None) => scene.span(Role::Dim, "quota unknown").into(),
        (None, Some(_)) => Line::default(),
    }
}

/// `10 of 64 vCPU`.
fn vcpu(fargate: &FargateView, scene: &Scene<'_>) -> Line<'static> {
    let is_narrow = share(fargate).is_some_and(|share| share >= NARROW);
    let role = if is_narrow || fargate.shortage.is_some() { Role::Warn } else { Role::Strong };
    let of = fargate.quota_vcpu.map_or_else(String::new, |quota| format!(" of {}", amount(quota)));
    Line::from(vec![
        scene.span(role, amount(fargate.vcpu())),
        scene.span(Role::Text, of),
        scene.span(Role::Dim, " vCPU"),
    ])
}

fn memory(fargate: &FargateView) -> String {
    format!("{} GB", amount(fargate.memory_gb()))
}

fn share(fargate: &FargateView) -> Option<f64> {
    let quota = fargate.quota_vcpu.filter(|quota| *quota > 0.0)?;
    Some((fargate.vcpu() / quota).clamp(0.0, 1.0))
}

fn figures(fargate: &FargateView) -> Vec<Figure> {
    let mut figures = vec![Figure::count(fargate.tasks, "tasks", Role::Text)];
    if fargate.shortage.is_some() {
        figures.insert(0, Figure::words("no room left", Role::Warn));
    }
    if let Some((cpu, memory)) = fargate.each {
        let [cpu, memory] = [cpu, memory].map(|it| amount(f64::from(it) / 1024.0));
        figures.push(Figure::words(&format!("{cpu} vCPU, {memory} GB each"), Role::Dim));
    }
    figures
}

/// A number with as many decimals as it needs, at most two.
fn amount(of: f64) -> String {
    let hundredths = (of * 100.0).round();
    if hundredths.rem_euclid(100.0) == 0.0 {
        return format::count((hundredths / 100.0) as u64);
    }
    format!("{:.2}", hundredths / 100.0).trim_end_matches('0').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_as_short_as_they_can_be() {
        for (of, said) in [(10.0, "10"), (0.25, "0.25"), (2.5, "2.5"), (4096.0, "4,096")] {
            assert_eq!(amount(of), said);
        }
    }
}
