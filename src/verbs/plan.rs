//! `plan` and `run --dry-run`: what a load would take, and whether it can be done.
//!
//! Invariant: it looks, and starts nothing; the local cloud that it brings along ends
//! with it.

use std::{sync::Arc, time::Duration};

use color_eyre::eyre::{WrapErr, eyre};
use serde::Serialize;
use tokio::time::{Instant, timeout_at};

use super::answer::print_json;
use crate::{
    controller::{Handle, Snapshot, snapshot::Level},
    model::forecast::{Ask, Forecast, On},
    process::output::{print, say},
    session::{Session, Settings},
};

/// How long looking at the cloud may take.
const LOOK: Duration = Duration::from_secs(20);
/// Where devices of a forecast would go, where nobody said: nothing goes there.
const NOWHERE: &str = "tcp://127.0.0.1:9";

/// What is printed as JSON.
#[derive(Debug, Serialize)]
struct Planned<'a> {
    r#where: &'a str,
    can_be_done: bool,
    #[serde(flatten)]
    forecast: &'a Forecast,
}

/// Looks at the cloud and prints what `ask` takes there; 1 where it cannot be done.
pub(crate) async fn forecast(settings: Settings, ask: Ask, json: bool) -> color_eyre::Result<u8> {
    let mut settings = Settings { leads: false, ..settings };
    // Without one a practice target would be started.
    if settings.target.is_none() {
        settings.target = Some(NOWHERE.parse()?);
    }
    let mut session = Session::start(settings).await?;
    let looked = look(&mut session.handle).await;
    let _left = session.end().await;
    let seen = looked?;
    let basis = seen.basis.as_deref().ok_or_else(|| eyre!("what is there is not known"))?;
    let forecast = Forecast::of(&ask, basis);
    let label = &seen.site.label;
    if json {
        let can_be_done = forecast.can_be_done();
        print_json(&Planned { r#where: label, can_be_done, forecast: &forecast })?;
    } else {
        let on = basis.on.capacity();
        print(&format!("at {label}, on {on}, nothing is started:\n{forecast}"))
            .wrap_err("the forecast cannot be printed")?;
    }
    if !forecast.can_be_done() {
        say("it cannot be done: see what is refused");
    }
    Ok(u8::from(!forecast.can_be_done()))
}

/// Waits until enough is known, or as much as is known in time.
async fn look(handle: &mut Handle) -> color_eyre::Result<Arc<Snapshot>> {
    let deadline = Instant::now() + LOOK;
    loop {
        let seen = Arc::clone(&handle.snapshots.borrow_and_update());
        if is_enough(&seen) {
            return Ok(seen);
        }
        match timeout_at(deadline, handle.snapshots.changed()).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Err(eyre!("the controller is gone; see the log")),
            Err(_) if seen.basis.is_some() => return Ok(seen),
            Err(_) => return Err(unseen(&seen)),
        }
    }
}

/// Whether a forecast knows all that it can.
fn is_enough(seen: &Snapshot) -> bool {
    seen.basis.as_deref().is_some_and(|basis| match &basis.on {
        On::Group(group) => {
            seen.instances.at.is_some() && (group.per_instance.is_some() || group.desired == 0)
        }
        On::Fargate(fargate) => fargate.shape.is_some(),
    })
}

/// Why nothing is known: the latest that went wrong.
fn unseen(seen: &Snapshot) -> color_eyre::Report {
    let trouble = seen.notices.iter().rev().find(|notice| notice.level >= Level::Warning);
    let why = trouble.map_or_else(String::new, |notice| format!(": {}", notice.text));
    eyre!("{} was not seen within {} s{why}", seen.site.label, LOOK.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{app::fixtures, model::forecast::Group};

    #[test]
    fn it_waits_until_it_is_known_how_many_tasks_fit() {
        let mut seen = fixtures::costing();
        assert!(is_enough(&seen));
        let mut change = |change: fn(&mut Group)| {
            let mut basis = seen.basis.as_deref().cloned().expect("there");
            let On::Group(group) = &mut basis.on else {
                panic!("a group");
            };
            change(group);
            seen.basis = Some(Arc::new(basis));
            is_enough(&seen)
        };
        assert!(!change(|group| group.per_instance = None));
        assert!(change(|group| group.desired = 0));
    }

    #[test]
    fn the_printed_form_has_the_forecast_in_it() {
        let seen = fixtures::costing();
        let basis = seen.basis.as_deref().expect("there");
        let forecast =
            Forecast::of(&Ask { devices: 2_000, ramp_ms: 60_000, hold_ms: Some(60_000) }, basis);
        let planned = Planned { r#where: "here", can_be_done: true, forecast: &forecast };
        let json = serde_json::to_value(&planned).expect("plain data is JSON");
        assert_eq!(
            (&json["where"], &json["tasks"], &json["can_be_done"]),
            (&"here".into(), &8.into(), &true.into())
        );
        assert_eq!(json["instances"]["missing"], 2);
        assert_eq!(json["bound"], "instances");
    }
}
