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

/// A line about what is being typed: the batch, the rate or the target.
#[must_use]
pub fn typed(app: &App, prompt: &Prompt) -> Option<String> {
    let asked = matches!(prompt.setting, Setting::Batch | Setting::Rate | Setting::Target);
    if !asked || prompt.refusal.is_some() {
        return None;
    }
    let devices = app.snapshot.devices.value.wanted;
    match prompt::parse(prompt.setting, &prompt.text, None).ok()? {
        Value::Batch(devices) => forecast(app, devices).map(|it| it.line()),
        Value::Rate(rate) => Some(cycle(rate, devices)),
        Value::Target(_) => Some(match devices {
            0 => "for the next devices".to_owned(),
            _ => "all devices move there".to_owned(),
        }),
        Value::Window(_) | Value::Instances(_) | Value::Filter(_) => None,
    }
}

/// What a rate is to each of so many devices.
fn cycle(rate: Option<f64>, devices: u32) -> String {
    let Some(rate) = rate else {
        return "devices rest as their scenario says".to_owned();
    };
    let cycle_s = f64::from(devices.max(1)) / rate;
    match cycle_s {
        0.1.. => format!("each device every {cycle_s:.1} s"),
        _ => format!("each device every {:.2} ms", cycle_s * 1000.0),
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
    fn a_large_batch_is_asked_about_and_a_small_one_is_not() {
        let mut app = fixtures::app(fixtures::costing());
        assert_eq!(press(&mut app, "+", NOW).len(), 1);
        assert_eq!(app.mode, Mode::Normal, "100 devices fit");
        app.batch = 20_000;
        for no in ["+ n", "+ Esc", "+ Enter", "+ + +", "Esc"] {
            assert_eq!(press(&mut app, no, NOW), [], "{no}");
        }
        let effects = press(&mut app, "+ y", NOW);
        assert!(matches!(effects[..], [Effect::Send(Command::Add { devices: 20_000, .. })]));
        assert_eq!(app.mode, Mode::Normal);
    }

    #[test]
    fn a_rate_and_a_target_are_previewed() {
        let mut app = fixtures::app(fixtures::steady());
        let said = |app: &App| match &app.mode {
            Mode::Prompt(prompt) => typed(app, prompt).unwrap_or_default(),
            mode => panic!("no prompt: {mode:?}"),
        };
        press(&mut app, "r 5 0 0", NOW);
        assert_eq!(said(&app), "each device every 2.5 s");
        press(&mut app, "Esc r 1 0 0 k", NOW);
        assert_eq!(said(&app), "each device every 12.50 ms");
        press(&mut app, "Esc o tcp://a:1", NOW);
        assert_eq!(said(&app), "all devices move there");
    }

    #[test]
    fn where_nothing_is_known_nothing_is_said() {
        let mut app = fixtures::app(fixtures::steady());
        assert_eq!(forecast(&app, 1), None);
        press(&mut app, "b 2 k Enter +", NOW);
        assert_eq!(hint(&app), "");
    }
}
