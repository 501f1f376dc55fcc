//! What a run says of itself in `run.json`: who finds the run by it can go on with it.
//!
//! Invariant: written once when the run begins, and once more when it has ended; what
//! a later version adds is ignored, and what an earlier one left out has a default.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{
    Millis,
    capacity::{Capacity, Network},
};

/// What `run.json` says. The field names are a contract.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Registry {
    /// The run's id.
    pub run: String,
    /// The loadtop that began it.
    #[serde(default)]
    pub version: String,
    /// When it began, for people (RFC 3339).
    #[serde(default)]
    pub started_at: String,
    /// When it began, by the clock of who began it.
    pub started_ms: Millis,
    /// Who began it, as `user@host`.
    #[serde(default)]
    pub by: String,
    /// The site's label.
    #[serde(default)]
    pub r#where: String,
    /// Endpoint, region and cluster: who is elsewhere must not steer the run.
    pub place: String,
    /// The cluster that its tasks run on.
    pub cluster: String,
    /// What its devices talk to, if the plan says so.
    #[serde(default)]
    pub target: Option<String>,
    /// How many devices a task has room for.
    pub room: u32,
    /// What its tasks run.
    #[serde(default)]
    pub workload: Workload,
    /// What its tasks run on; none in one of an earlier version: what its controllers are
    /// told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<Capacity>,
    /// Where its tasks are in the network.
    #[serde(default, skip_serializing_if = "Network::is_shared")]
    pub network: Network,
    /// The task definition of its tasks; none: that of whoever leads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<TaskDefinition>,
    /// What happens when something is lost or missing.
    #[serde(default)]
    pub policy: Policy,
    /// Tags of everything that is started, besides loadtop's own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// When nothing of it was left; none while it is on.
    #[serde(default)]
    pub ended_at: Option<Millis>,
}

impl Registry {
    /// How long a task may take to end after SIGTERM, in milliseconds.
    #[must_use]
    pub fn stop_ms(&self) -> Millis {
        self.definition.as_ref().map_or(STOP_MS, |definition| definition.stop_ms)
    }
}

/// How long a task may take to end where its definition does not say: what ECS grants,
/// in milliseconds.
pub const STOP_MS: Millis = 30_000;

fn stop_ms() -> Millis {
    STOP_MS
}

/// The task definition of a run's tasks: whoever leads the run starts the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskDefinition {
    /// `family:revision`: a family alone would become another one in mid-run.
    pub name: String,
    /// The container that is told its devices.
    pub container: String,
    /// The container that ends the task with its run, if there is one for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watchdog: Option<String>,
    /// How long the container may take to end after SIGTERM, in milliseconds.
    #[serde(default = "stop_ms")]
    pub stop_ms: Millis,
}

/// What a run's tasks run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Workload {
    /// loadtop's agent: it follows the wish and paces its devices.
    #[default]
    Agent,
    /// An image of the user's own: one device per task.
    Image {
        /// Its task definition.
        definition: String,
        /// The container that is told its device.
        container: String,
        /// The environment variable that takes the device's id.
        identity: String,
    },
}

/// What happens when something is lost or missing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Policy {
    /// When a task is lost.
    pub on_loss: OnLoss,
    /// How long tasks may wait for room, in milliseconds.
    pub capacity_wait_ms: Millis,
    /// When they waited that long.
    pub no_capacity: NoCapacity,
    /// How long agents may go on without hearing more, in milliseconds.
    pub lease_ms: Millis,
    /// What the run may cost, in US dollars; none: whatever it costs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget_usd: Option<f64>,
    /// Whether the Auto Scaling group is loadtop's own: then it goes to zero when no
    /// leader is left.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub owns_group: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Policy {
            on_loss: OnLoss::default(),
            capacity_wait_ms: 600_000,
            no_capacity: NoCapacity::default(),
            lease_ms: 600_000,
            budget_usd: None,
            owns_group: false,
        }
    }
}

/// What happens when a task is lost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnLoss {
    /// Another one takes its devices over.
    #[default]
    Replace,
    /// Its devices are given up.
    Shrink,
    /// The run ends.
    Abort,
}

/// What happens when the cluster has no room for long.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoCapacity {
    /// The devices that found none are given up.
    #[default]
    Shrink,
    /// The run ends.
    Abort,
}

/// A word that names no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is none of {choices}")]
pub struct BadPolicy {
    word: String,
    choices: &'static str,
}

impl FromStr for OnLoss {
    type Err = BadPolicy;

    fn from_str(word: &str) -> Result<Self, BadPolicy> {
        match word {
            "replace" => Ok(OnLoss::Replace),
            "shrink" => Ok(OnLoss::Shrink),
            "abort" => Ok(OnLoss::Abort),
            _ => Err(BadPolicy { word: word.to_owned(), choices: "replace, shrink, abort" }),
        }
    }
}

impl fmt::Display for OnLoss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            OnLoss::Replace => "replace",
            OnLoss::Shrink => "shrink",
            OnLoss::Abort => "abort",
        })
    }
}

impl FromStr for NoCapacity {
    type Err = BadPolicy;

    fn from_str(word: &str) -> Result<Self, BadPolicy> {
        match word {
            "shrink" => Ok(NoCapacity::Shrink),
            "abort" => Ok(NoCapacity::Abort),
            _ => Err(BadPolicy { word: word.to_owned(), choices: "shrink, abort" }),
        }
    }
}

impl fmt::Display for NoCapacity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            NoCapacity::Shrink => "shrink",
            NoCapacity::Abort => "abort",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_written_form_is_the_contract() {
        let registry = Registry {
            run: "0123456789ab".into(),
            version: "0.2.0".into(),
            started_at: "2026-01-02T03:04:05.678Z".into(),
            started_ms: 1_767_323_045_678,
            by: "ada@engine".into(),
            r#where: "local cloud".into(),
            place: "http://127.0.0.1:4566 us-east-1 loadtop".into(),
            cluster: "loadtop".into(),
            target: None,
            room: 1,
            workload: Workload::Image {
                definition: "mine:3".into(),
                container: "app".into(),
                identity: "UUID".into(),
            },
            capacity: Some(Capacity::Fargate { spot: true }),
            network: Network {
                subnets: vec!["subnet-1".into()],
                security_groups: Vec::new(),
                public_address: true,
            },
            definition: Some(TaskDefinition {
                name: "mine:3".into(),
                container: "app".into(),
                watchdog: Some("watchdog".into()),
                stop_ms: 60_000,
            }),
            policy: Policy { on_loss: OnLoss::Abort, ..Policy::default() },
            tags: BTreeMap::new(),
            ended_at: None,
        };
        let written = serde_json::to_value(&registry).expect("a registry is JSON");
        assert_eq!(
            written,
            serde_json::json!({
                "run": "0123456789ab", "version": "0.2.0",
                "started_at": "2026-01-02T03:04:05.678Z", "started_ms": 1_767_323_045_678_u64,
                "by": "ada@engine", "where": "local cloud",
                "place": "http://127.0.0.1:4566 us-east-1 loadtop", "cluster": "loadtop",
                "target": null, "room": 1,
                "workload": {"kind": "image", "definition": "mine:3", "container": "app",
                    "identity": "UUID"},
                "capacity": {"on": "fargate", "spot": true},
                "network": {"subnets": ["subnet-1"], "security_groups": [],
                    "public_address": true},
                "definition": {"name": "mine:3", "container": "app", "watchdog": "watchdog",
                    "stop_ms": 60_000},
                "policy": {"on_loss": "abort", "capacity_wait_ms": 600_000,
                    "no_capacity": "shrink", "lease_ms": 600_000},
                "ended_at": null
            })
        );
        assert_eq!(serde_json::from_value::<Registry>(written).expect("and back"), registry);
    }

    #[test]
    fn what_is_missing_has_a_default_and_what_is_new_is_ignored() {
        let written = serde_json::json!({
            "run": "r", "started_ms": 5, "place": "p", "cluster": "c", "room": 250,
            "policy": {"on_loss": "shrink", "moon": 1}, "moon": {"phase": "full"}
        });
        let registry: Registry = serde_json::from_value(written).expect("readable");
        assert_eq!(registry.workload, Workload::Agent);
        assert_eq!(registry.policy, Policy { on_loss: OnLoss::Shrink, ..Policy::default() });
        assert_eq!((registry.ended_at, &registry.capacity), (None, &None));
        assert_eq!((&registry.definition, registry.stop_ms()), (&None, 30_000));
        let written = serde_json::json!({"name": "f:1", "container": "c"});
        let definition: TaskDefinition = serde_json::from_value(written).expect("readable");
        assert_eq!((definition.watchdog, definition.stop_ms), (None, 30_000));
    }

    #[test]
    fn policies_are_spelled_as_they_are_written() {
        for policy in [OnLoss::Replace, OnLoss::Shrink, OnLoss::Abort] {
            assert_eq!(policy.to_string().parse(), Ok(policy));
            assert_eq!(serde_json::to_value(policy).expect("JSON"), policy.to_string());
        }
        for policy in [NoCapacity::Shrink, NoCapacity::Abort] {
            assert_eq!(policy.to_string().parse(), Ok(policy));
            assert_eq!(serde_json::to_value(policy).expect("JSON"), policy.to_string());
        }
        let error = "Replace".parse::<OnLoss>().expect_err("it is none");
        assert_eq!(error.to_string(), "`Replace` is none of replace, shrink, abort");
    }
}
