//! Who leads the run, and how long its devices go on if nobody does.
//!
//! Invariant: that all is well is said quietly and always at the same place; whatever
//! is not is said in the sentence, with what follows from it.

use super::Scene;
use crate::{
    app::state::QUIET_MS,
    controller::snapshot::{LeadView, Phase, RunView},
    model::Millis,
    ui::{format, theme::Role},
};

/// Below this the lease is in danger: it is renewed long before.
const LEASE_IN_DANGER_MS: Millis = 30_000;
/// Longest name of a leader.
const LONGEST_NAME: usize = 20;

/// Who leads, in a word or two.
pub(super) fn word(scene: &Scene<'_>) -> Option<(Role, String)> {
    let run = scene.snapshot().run.as_ref()?;
    if scene.is_over() {
        return None;
    }
    match &run.lead {
        LeadView::Unknown => None,
        LeadView::Us { .. } => Some((Role::Dim, "leading".into())),
        LeadView::Unsure => Some((Role::Warn, "not leading".into())),
        LeadView::Nobody => Some((Role::Warn, "nobody leads".into())),
        LeadView::Other { owner, silent_ms, .. } => {
            let role =
                if silent_of(scene, *silent_ms) < QUIET_MS { Role::Text } else { Role::Warn };
            Some((role, format!("following {}", format::cut(owner, LONGEST_NAME))))
        }
    }
}

/// `lease 9m 48s`: what is left of it.
pub(super) fn lease(scene: &Scene<'_>) -> Option<(Role, String)> {
    let run = scene.snapshot().run.as_ref()?;
    if !matches!(run.phase, Phase::Running | Phase::Paused) {
        return None;
    }
    let left = lease_left(scene, run);
    let is_renewed = !matches!(run.lead, LeadView::Nobody | LeadView::Unsure);
    let role = if is_renewed && left >= LEASE_IN_DANGER_MS { Role::Dim } else { Role::Warn };
    Some((role, format!("lease {}", format::left(left))))
}

/// What is wrong with the lead, and what follows.
pub(super) fn trouble(scene: &Scene<'_>) -> Option<(Role, String)> {
    let run = scene.snapshot().run.as_ref()?;
    if scene.is_over() {
        return None;
    }
    let left = format::left(lease_left(scene, run));
    let follows = match run.phase {
        Phase::Ending { tasks_left, .. } => {
            format!("{} left to end", format::counted(tasks_left, "task"))
        }
        _ => format!("devices end in {left}"),
    };
    let text = match &run.lead {
        // How long the devices have is beside the tasks, and loud.
        LeadView::Unsure => "cannot reach the bucket: nothing is started or stopped".to_owned(),
        LeadView::Nobody => format!("nobody leads: {follows}"),
        LeadView::Other { owner, silent_ms, takeover_ms: Some(takeover_ms) }
            if silent_of(scene, *silent_ms) >= QUIET_MS =>
        {
            let silent = format::span(silent_of(scene, *silent_ms));
            let left = format::left(takeover_ms.saturating_sub(scene.since_snapshot()));
            let owner = format::cut(owner, LONGEST_NAME);
            format!("following {owner}: silent {silent}, this dashboard takes over in {left}")
        }
        _ if matches!(run.phase, Phase::Running | Phase::Paused)
            && lease_left(scene, run) < LEASE_IN_DANGER_MS =>
        {
            format!("the lease is not renewed: {follows}")
        }
        _ => return None,
    };
    Some((Role::Warn, text))
}

/// What is left of the lease now.
pub(super) fn lease_left(scene: &Scene<'_>, run: &RunView) -> Millis {
    run.lease_left_ms.saturating_sub(scene.since_snapshot())
}

/// For how long nothing was heard of a leader now.
fn silent_of(scene: &Scene<'_>, silent_ms: Millis) -> Millis {
    silent_ms.saturating_add(scene.since_snapshot())
}
