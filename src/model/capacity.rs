//! What tasks run on: instances of an Auto Scaling group, or Fargate.
//!
//! Invariant: the written form is part of `run.json`: any leader, anywhere, starts a
//! run's tasks on what the run began with.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What tasks run on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "on", rename_all = "kebab-case")]
pub enum Capacity {
    /// Instances of an Auto Scaling group, which register with the cluster.
    Group {
        /// Its name.
        name: String,
        /// The capacity provider that manages it, through which tasks are then started;
        /// none: tasks are placed on what is there (launch type EC2).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        provider: Option<String>,
    },
    /// Fargate: no instances.
    Fargate {
        /// Spot: cheaper, and taken back at two minutes' notice.
        #[serde(default)]
        spot: bool,
    },
}

impl Capacity {
    /// Instances of this group.
    #[must_use]
    pub fn group(name: impl Into<String>) -> Self {
        Capacity::Group { name: name.into(), provider: None }
    }

    /// The group's name; none on Fargate.
    #[must_use]
    pub fn group_name(&self) -> Option<&str> {
        match self {
            Capacity::Group { name, .. } => Some(name),
            Capacity::Fargate { .. } => None,
        }
    }

    /// Whether there are instances to scale.
    #[must_use]
    pub fn has_instances(&self) -> bool {
        self.group_name().is_some()
    }
}

impl fmt::Display for Capacity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Capacity::Group { name, .. } => write!(f, "group {name}"),
            Capacity::Fargate { spot: false } => f.write_str("Fargate"),
            Capacity::Fargate { spot: true } => f.write_str("Fargate Spot"),
        }
    }
}

/// Where tasks with an address of their own (network mode `awsvpc`, as on Fargate
/// always) are in the network.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Network {
    /// Subnets, at least one where tasks have addresses; none: tasks share their
    /// instance's address.
    pub subnets: Vec<String>,
    /// Security groups; none: the VPC's default one.
    pub security_groups: Vec<String>,
    /// Whether a task gets a public address, which costs by the hour. Without one it
    /// needs a NAT gateway or VPC endpoints to reach AWS.
    pub public_address: bool,
}

impl Network {
    /// Whether tasks have no address of their own.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.subnets.is_empty()
    }
}
