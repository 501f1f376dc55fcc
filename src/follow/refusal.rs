//! Why no wish could be read yet, and when that is reason enough to end.
//!
//! Invariant: only a task that never read a wish ends for a refusal. One that did goes
//! on until its lease, whatever becomes of its permissions.

use std::{cell::RefCell, time::Duration};

use color_eyre::eyre::Report;
use tokio::time::Instant;

use crate::cloud::{CloudError, ErrorKind, calls};

/// A role that was just made or changed may be refused for some seconds. What is refused
/// for longer will be: a task costs, and does nothing.
const PATIENCE: Duration = Duration::from_mins(1);

/// What became of the looks so far.
#[derive(Debug, Default)]
pub(crate) struct Refusal(RefCell<State>);

#[derive(Debug, Default)]
struct State {
    /// Since when all answers were refusals.
    since: Option<Instant>,
    latest: String,
}

impl Refusal {
    /// Takes in why a look failed.
    pub(super) fn note(&self, error: &Report) {
        let mut state = self.0.borrow_mut();
        let advice = error.downcast_ref::<CloudError>().and_then(advice);
        state.since = advice.is_some().then(|| state.since.unwrap_or_else(Instant::now));
        let advice = advice.map_or_else(String::new, |advice| format!("; {advice}"));
        state.latest = format!("{error:#}{advice}");
    }

    /// Why it is not worth to go on trying, if it is not.
    pub(super) fn is_final(&self) -> Option<String> {
        let state = self.0.borrow();
        let since = state.since.filter(|since| since.elapsed() >= PATIENCE)?;
        Some(format!("{} (for {} s)", state.latest, since.elapsed().as_secs()))
    }

    /// The latest reason.
    pub(super) fn latest(&self) -> String {
        self.0.borrow().latest.clone()
    }
}

/// What to do about an error that the same call would meet again.
fn advice(error: &CloudError) -> Option<String> {
    match error.kind {
        ErrorKind::Denied => {
            let call = calls::ALL.iter().find(|call| call.operation == error.call);
            let needs = call.map(|call| call.needs.iter().map(|(permission, _)| *permission));
            let needs: Vec<_> = needs.into_iter().flatten().collect();
            Some(format!(
                "the task role needs {} for the run's bucket: `loadtop doctor --policy` prints all \
                 that it needs",
                needs.join(" and ")
            ))
        }
        ErrorKind::Unauthenticated => Some(
            "a task has the credentials of its task role: name one in its task definition \
             (`task_role` in loadtop.toml), and on instances let the ECS agent hand them out"
                .to_owned(),
        ),
        ErrorKind::Refused | ErrorKind::NotFound => {
            Some("see LOADTOP_BUCKET and AWS_REGION of the task".to_owned())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(kind: ErrorKind) -> Report {
        let (code, message) = (None, "no".to_owned());
        CloudError { call: "GetObject", kind, code, message }.into()
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_final_after_a_while_and_a_fault_never_is() {
        let refusal = Refusal::default();
        refusal.note(&error(ErrorKind::Denied));
        assert_eq!(refusal.is_final(), None);
        tokio::time::advance(PATIENCE).await;
        let why = refusal.is_final().expect("long enough");
        for word in ["GetObject: no", "s3:GetObject and s3:ListBucket", "task role", "60 s"] {
            assert!(why.contains(word), "{why}");
        }
        refusal.note(&error(ErrorKind::Ambiguous));
        tokio::time::advance(2 * PATIENCE).await;
        assert_eq!(refusal.is_final(), None);
        assert_eq!(refusal.latest(), "GetObject: no");
        refusal.note(&error(ErrorKind::Unauthenticated));
        tokio::time::advance(PATIENCE).await;
        assert!(refusal.is_final().expect("again").contains("task_role"));
    }
}
