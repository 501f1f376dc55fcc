//! What `run.json` says: the registry by which runs are found again.
//!
//! Invariant: whoever takes a run over finds here all that its first controller was
//! told and that no other object of the run says.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::Millis;

/// One run's entry. Unknown fields are ignored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Registry {
    /// Its id.
    pub run: String,
    /// The version of loadtop that began it.
    pub version: String,
    /// When it began, as RFC 3339.
    pub started_at: String,
    /// The same in milliseconds since the Unix epoch.
    pub started_ms: Millis,
    /// Who began it: `user@host`.
    pub by: String,
    /// What the place is called.
    pub r#where: String,
    /// Endpoint, region and cluster: a bucket can be shared by several places.
    pub place: String,
    /// The cluster.
    pub cluster: String,
    /// What the devices talk to.
    pub target: Option<String>,
    /// Devices that a task has room for.
    pub room: u32,
    /// What runs in its tasks.
    #[serde(default)]
    pub workload: Workload,
    /// What is done about losses.
    #[serde(default)]
    pub policy: Policy,
    /// When it was seen to have ended with nothing left (milliseconds since the Unix
    /// epoch); none while it is on.
    #[serde(default)]
    pub ended_at: Option<Millis>,
}

/// What runs in a run's tasks.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Workload {
    /// loadtop's own agent, with room for a range of devices.
    #[default]
    Agent,
    /// Any image: one device a task.
    Image {
        /// Its task definition.
        definition: String,
        /// The container in it that gets the environment.
        container: String,
        /// The variable that gets the device's id.
        identity: String,
    },
}

/// What is done about losses and missing room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Policy {
    /// When a task ends by itself.
    pub on_loss: OnLoss,
    /// How long tasks wait for room, in milliseconds.
    pub capacity_wait_ms: Millis,
    /// What then.
    pub no_capacity: NoCapacity,
    /// How long agents go on without hearing from a controller, in milliseconds.
    pub lease_ms: Millis,
}

impl Default for Policy {
    fn default() -> Self {
        Policy {
            on_loss: OnLoss::Replace,
            capacity_wait_ms: 600_000,
            no_capacity: NoCapacity::Shrink,
            lease_ms: 600_000,
        }
    }
}

/// What is done when a task ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnLoss {
    /// Another one takes its devices over.
    #[default]
    Replace,
    /// The run goes on without its devices.
    Shrink,
    /// The run ends.
    Abort,
}

/// What is done with devices that found no room for too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoCapacity {
    /// The run goes on without them.
    #[default]
    Shrink,
    /// The run ends.
    Abort,
}

impl FromStr for OnLoss {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "replace" => Ok(OnLoss::Replace),
            "shrink" => Ok(OnLoss::Shrink),
            "abort" => Ok(OnLoss::Abort),
            _ => Err(format!("{text}: say replace, shrink or abort")),
        }
    }
}

impl FromStr for NoCapacity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "shrink" => Ok(NoCapacity::Shrink),
            "abort" => Ok(NoCapacity::Abort),
            _ => Err(format!("{text}: say shrink or abort")),
        }
    }
}

impl fmt::Display for OnLoss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            OnLoss::Replace => "replace",
            OnLoss::Shrink => "shrink",
            OnLoss::Abort => "abort",
        })
    }
}

impl fmt::Display for NoCapacity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NoCapacity::Shrink => "shrink",
            NoCapacity::Abort => "abort",
        })
    }
}
