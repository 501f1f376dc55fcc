//! A plan, made ready to be followed: texts cut at their variables, labels looked up.
//!
//! Invariant: rendering a request touches nothing but the buffer that it is given.

use std::{rc::Rc, time::Duration};

use uuid::{Uuid, fmt::Hyphenated};

use super::recorder::{LabelId, Recorder};
use crate::plan::{Plan, Scenario, Target};

/// One execution of the plan.
#[derive(Debug)]
pub(super) struct Script {
    /// What devices connect to.
    pub(super) target: Target,
    /// What they do, in order.
    pub(super) steps: Vec<Step>,
    /// The rest after each step.
    pub(super) think: Duration,
}

/// One request.
#[derive(Debug)]
pub(super) struct Step {
    /// Where its figures go.
    pub(super) label: LabelId,
    /// How long an answer may take.
    pub(super) timeout: Duration,
    text: Template,
}

/// A text with variables.
#[derive(Debug, PartialEq, Eq)]
struct Template(Vec<Piece>);

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    DeviceId,
    DeviceIndex,
    RunId,
}

/// The variables and what they stand for.
const VARIABLES: [(&str, Piece); 3] = [
    ("${device.id}", Piece::DeviceId),
    ("${device.index}", Piece::DeviceIndex),
    ("${run.id}", Piece::RunId),
];

/// What a device fills in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Identity<'a> {
    pub(super) id: Uuid,
    pub(super) index: u32,
    pub(super) run: &'a str,
}

impl Script {
    /// The scripts of all executions. Their labels get a place in the recorder.
    pub(super) fn all(plan: &Plan, recorder: &mut Recorder) -> Rc<[Rc<Script>]> {
        let executions = plan.executions.iter();
        executions.map(|it| Rc::new(Script::new(&it.scenario, recorder))).collect()
    }

    fn new(scenario: &Scenario, recorder: &mut Recorder) -> Self {
        let step = |step: &crate::plan::Step| Step {
            label: recorder.label(&step.label),
            timeout: Duration::from_millis(step.timeout_ms),
            text: Template::new(&step.send),
        };
        Script {
            target: scenario.target.clone(),
            steps: scenario.steps.iter().map(step).collect(),
            think: Duration::from_millis(scenario.think_ms),
        }
    }
}

impl Step {
    /// Appends the request's bytes to `buffer`.
    pub(super) fn render(&self, identity: Identity<'_>, buffer: &mut Vec<u8>) {
        self.text.render(identity, buffer);
    }
}

impl Template {
    /// Anything that is no variable stays as it is.
    fn new(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut rest = text;
        let next = |text: &str| {
            let found = VARIABLES.iter().filter_map(|(name, _)| Some((text.find(name)?, *name)));
            found.min_by_key(|&(at, _)| at)
        };
        while let Some((at, name)) = next(rest) {
            if at > 0 {
                pieces.push(Piece::Text(rest[..at].to_owned()));
            }
            pieces.extend(VARIABLES.into_iter().find(|it| it.0 == name).map(|it| it.1));
            rest = &rest[at + name.len()..];
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Template(pieces)
    }

    fn render(&self, identity: Identity<'_>, buffer: &mut Vec<u8>) {
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => buffer.extend_from_slice(text.as_bytes()),
                Piece::RunId => buffer.extend_from_slice(identity.run.as_bytes()),
                Piece::DeviceId => {
                    let mut text = [0; Hyphenated::LENGTH];
                    let text = identity.id.hyphenated().encode_lower(&mut text);
                    buffer.extend_from_slice(text.as_bytes());
                }
                Piece::DeviceIndex => {
                    // Writing to memory cannot fail.
                    let _ = std::io::Write::write_fmt(buffer, format_args!("{}", identity.index));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_filled_in_and_the_rest_is_left_alone() {
        let id = crate::model::device::device_id("r1", 7);
        let rows = [
            ("", String::new()),
            ("plain\n", "plain\n".to_owned()),
            ("${device.id}\n", format!("{id}\n")),
            ("${run.id}/${device.index}${device.index}", "r1/77".to_owned()),
            ("${device.name} ${device.id", "${device.name} ${device.id".to_owned()),
            ("${${run.id}}", "${r1}".to_owned()),
        ];
        for (text, rendered) in rows {
            let mut buffer = Vec::new();
            Template::new(text).render(Identity { id, index: 7, run: "r1" }, &mut buffer);
            assert_eq!(String::from_utf8(buffer).expect("text"), rendered, "{text}");
        }
    }
}
