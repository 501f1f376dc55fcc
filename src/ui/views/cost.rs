//! What the run costs: `$1.23 so far · $4.10/h`.
//!
//! Invariant: an estimate has its `≈`, and what something unknown is missing from its
//! `?`; nothing is said where nothing costs.

use super::Scene;
use crate::{
    model::cost::{Bill, Budget, Verdict, dollars},
    ui::theme::Role,
};

/// From this share of it on, a budget is worth a colour.
const NEARLY: f64 = 0.8;

/// What it costs, in all words or in the fewest.
pub(super) fn words(scene: &Scene<'_>, is_short: bool) -> Option<(Role, String)> {
    let bill = scene.snapshot().cost.as_ref()?;
    let about = if bill.estimate { "≈" } else { "" };
    let plus = if bill.unknown.is_empty() { "" } else { "+?" };
    let so_far = format!("{about}{}{plus}", dollars(bill.so_far_usd));
    let so_far = match &bill.budget {
        Some(budget) => format!("{so_far} of {}", dollars(budget.usd)),
        None if is_short => so_far,
        None => format!("{so_far} so far"),
    };
    let rate = dollars(bill.per_hour_usd);
    // How much is left of a budget says more than how fast it goes.
    let is_all = scene.is_over() || is_short && bill.budget.is_some();
    let words = if is_all { so_far } else { format!("{so_far} · {about}{rate}{plus}/h") };
    Some((role(bill), words))
}

fn role(bill: &Bill) -> Role {
    let is_near = |budget: &Budget| budget.share(bill.so_far_usd) >= NEARLY;
    match &bill.budget {
        Some(budget) if budget.ended_the_run => Role::Error,
        Some(budget) if budget.verdict() != Verdict::Enough => Role::Error,
        Some(budget) if is_near(budget) => Role::Warn,
        _ => Role::Text,
    }
}
