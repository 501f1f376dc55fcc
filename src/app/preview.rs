//! What the next batch takes, before it is asked for.
//!
//! Invariant: computed from the latest snapshot alone; where that does not say enough,
//! nothing is said.

use super::{
    prompt::{self, Value},
    state::{App, Prompt, Setting},
};
use crate::model::forecast::{Ask, Forecast};

/// What so many devices more take, started over the window that is set.
#[must_use]
pub fn forecast(app: &App, devices: u32) -> Option<Forecast> {
    let basis = app.snapshot.basis.as_ref()?;
    let ramp_ms = app.window.as_millis() as u64;
    Some(Forecast::of(&Ask { devices, ramp_ms, hold_ms: None }, basis))
}

/// A line about the batch whose size is being typed.
#[must_use]
pub fn typed(app: &App, prompt: &Prompt) -> Option<String> {
    if prompt.setting != Setting::Batch || prompt.refusal.is_some() {
        return None;
    }
    match prompt::parse(Setting::Batch, &prompt.text, None) {
        Ok(Value::Batch(devices)) => forecast(app, devices).map(|it| it.line()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::{
            effect::Effect,
            fixtures::{self, NOW},
            keys::press,
            state::Mode,
        },
        controller::command::Command,
    };

    fn hint(app: &App) -> &str {
        app.hint.as_ref().map_or("", |hint| &hint.text)
    }

    #[test]
    fn a_batch_is_previewed_while_its_size_is_typed_and_when_it_is_set() {
        let mut app = fixtures::app(fixtures::costing());
        press(&mut app, "b 2 k", NOW);
        let Mode::Prompt(prompt) = &app.mode else {
            panic!("no prompt: {:?}", app.mode);
        };
        let line = "+2,000: 8 tasks, 8 calls, needs 2 instances more, $0.34/h then";
        assert_eq!(typed(&app, prompt).as_deref(), Some(line));
        press(&mut app, "Enter", NOW);
        assert_eq!(hint(&app), line);
    }

    #[test]
    fn a_large_batch_is_said_when_it_is_added_and_a_small_one_is_not() {
        let mut app = fixtures::app(fixtures::costing());
        assert_eq!(press(&mut app, "+", NOW).len(), 1);
        assert_eq!(hint(&app), "", "100 devices fit");
        app.batch = 20_000;
        let effects = press(&mut app, "+", NOW);
        assert!(matches!(effects[..], [Effect::Send(Command::Add { devices: 20_000, .. })]));
        assert!(
            hint(&app).contains("the group loadtop has at most 10 instances"),
            "{}",
            hint(&app)
        );
    }

    #[test]
    fn where_nothing_is_known_nothing_is_said() {
        let mut app = fixtures::app(fixtures::steady());
        assert_eq!(forecast(&app, 1), None);
        press(&mut app, "b 2 k Enter +", NOW);
        assert_eq!(hint(&app), "");
    }
}
