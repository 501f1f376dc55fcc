//! Prompts: how one is opened, typed into, and what a value that was typed sets.
//!
//! Invariant: pure. What is typed or pasted changes nothing of the run before it was
//! submitted; a filter, which is of the screen alone, takes effect with each character.

use super::{
    action::Action,
    effect::Effect,
    list, preview,
    prompt::Value,
    scale::{Scaling, scale},
    state::{App, Mode, Prompt, Setting},
    update::{LEAVING, say, send},
};
use crate::{controller::command::Command, model::Millis};

pub(super) fn edit(app: &mut App, setting: Setting, now: Millis) -> Vec<Effect> {
    if app.departing.is_some() {
        return say(app, LEAVING, now);
    }
    if let (Setting::Instances, Some(why)) = (setting, app.snapshot.capacity.refusal()) {
        return say(app, &why, now);
    }
    if let Some(why) = prompt_refusal(app, setting, now) {
        return say(app, why, now);
    }
    let text = match setting {
        Setting::Filter => app.lists.of(app.view).map(|list| list.filter.clone()),
        _ => None,
    };
    app.mode = Mode::Prompt(Prompt::new(setting, text.unwrap_or_default()));
    Vec::new()
}

/// Why a value cannot be asked for as things are.
fn prompt_refusal(app: &App, setting: Setting, now: Millis) -> Option<&'static str> {
    match setting {
        Setting::Rate if app.is_ending(now) || !app.has_run(now) => {
            Some("there is no run whose rate could be set: + begins one")
        }
        Setting::Target if app.is_ending(now) => {
            Some("the run is ending: open the target when it has ended")
        }
        _ => None,
    }
}

/// A text from elsewhere is typed into a prompt that is open; anywhere else it is nothing.
pub(super) fn paste(app: &mut App, text: &str) {
    if let Mode::Prompt(prompt) = &mut app.mode {
        prompt.paste(text);
        filter_as_typed(app);
    }
}

pub(super) fn type_into(app: &mut App, action: &Action) {
    if let Mode::Prompt(prompt) = &mut app.mode {
        prompt.edit(action);
        filter_as_typed(app);
    }
}

/// A filter takes effect with each character.
fn filter_as_typed(app: &mut App) {
    if let Mode::Prompt(prompt) = &app.mode
        && prompt.setting == Setting::Filter
    {
        let text = prompt.text.clone();
        list::filter(app, &text);
    }
}

/// The group's minimum and maximum, where known.
pub(super) fn limits(app: &App) -> Option<(u32, u32)> {
    let instances = &app.snapshot.instances;
    instances.at.map(|_| (instances.value.min, instances.value.max))
}

/// Sets what was typed and understood.
pub(super) fn set(app: &mut App, value: Value, now: Millis) -> Vec<Effect> {
    match value {
        Value::Batch(devices) => {
            app.batch = devices;
            if let Some(next) = preview::forecast(app, devices) {
                return say(app, &next.line(), now);
            }
        }
        Value::Window(window) => app.window = window,
        Value::Instances(count) => return scale(app, Scaling::To(count), now),
        Value::Rate(_) if app.is_ending(now) || !app.has_run(now) => {
            return say(app, "there is no run whose rate could be set: + begins one", now);
        }
        Value::Rate(rate) => return send(app, Command::Rate(rate), now),
        Value::Target(_) if app.is_ending(now) => {
            return say(app, "the run is ending: open the target when it has ended", now);
        }
        Value::Target(target) if target.to_string() == app.snapshot.target => {
            return say(app, "that is what the devices talk to already", now);
        }
        Value::Target(target) => return send(app, Command::Open(target), now),
        Value::Filter(text) => list::filter(app, &text),
    }
    Vec::new()
}
