//! What devices do: target, scenario, executions, as the controller resolved it.
//!
//! A [`Plan`] is what travels through the bucket (`plan-N.json`); agents parse no
//! YAML. Invariant: a plan that exists is valid; whoever makes one has checked it.

mod target;

use serde::{Deserialize, Serialize};

pub use target::{BadTarget, Scheme, Target};

use crate::model::Millis;

/// What the devices of a run do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The executions; a batch belongs to one of them, by its place here. None where
    /// the devices are an image that nothing more is known of.
    pub executions: Vec<Execution>,
}

/// Devices that follow one scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Execution {
    /// What each device does.
    pub scenario: Scenario,
}

/// What one device does, again and again, on one connection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scenario {
    /// What it talks to.
    pub target: Target,
    /// The steps of one turn, in order.
    pub steps: Vec<Step>,
    /// The rest between the steps, in milliseconds.
    pub think_ms: Millis,
}

/// One request and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The name that its figures carry.
    pub label: String,
    /// What is sent. `${device.id}`, `${device.index}` and `${run.id}` are filled in.
    pub send: String,
    /// How long an answer may take, in milliseconds.
    pub timeout_ms: Millis,
}

impl Plan {
    /// What a device does when nothing else was asked for: send a line, wait up to
    /// 10 s for any answer, rest for a second.
    #[must_use]
    pub fn simple(target: Target) -> Self {
        let step = Step {
            label: "line".to_owned(),
            send: "${device.id}\n".to_owned(),
            timeout_ms: 10_000,
        };
        let scenario = Scenario { target, steps: vec![step], think_ms: 1000 };
        Plan { executions: vec![Execution { scenario }] }
    }

    /// What is known of devices that are an image of the user's own: nothing.
    #[must_use]
    pub fn of_an_image() -> Self {
        Plan { executions: Vec::new() }
    }

    /// The same with another target.
    #[must_use]
    pub fn at(&self, target: &Target) -> Self {
        let mut plan = self.clone();
        for execution in &mut plan.executions {
            execution.scenario.target.clone_from(target);
        }
        plan
    }

    /// The target of the first execution: what the screen calls the target.
    #[must_use]
    pub fn target(&self) -> Option<&Target> {
        self.executions.first().map(|execution| &execution.scenario.target)
    }
}
