//! What tasks run on, for the screen and for whoever would change it.
//!
//! Invariant: whether the number of instances can be changed from here, and why not, is
//! said in one place and in the same words by keys, verbs and the controller.

use crate::cloud::types::Shortage;

/// What tasks run on.
#[derive(Debug, Clone, PartialEq)]
pub enum CapacityView {
    /// Instances of a group; more of them is in [`Snapshot::instances`](super::Snapshot::instances).
    Instances {
        /// The group.
        group: String,
        /// Who decides how many there are.
        scaled_by: ScaledBy,
    },
    /// Fargate: no instances.
    Fargate(FargateView),
}

impl Default for CapacityView {
    fn default() -> Self {
        CapacityView::Instances { group: String::new(), scaled_by: ScaledBy::Unknown }
    }
}

impl CapacityView {
    /// Why the number of instances cannot be changed from here; none: it can, or whether
    /// is not known yet.
    #[must_use]
    pub fn refusal(&self) -> Option<String> {
        match self {
            CapacityView::Fargate(_) => Some(
                "Fargate has no instances: tasks come and go with the devices that they are for"
                    .to_owned(),
            ),
            CapacityView::Instances { group, scaled_by: ScaledBy::Provider(provider) } => {
                Some(format!(
                    "the group {group} is scaled by the capacity provider {provider} (managed \
                     scaling): it follows the tasks; raise the group's maximum or turn managed \
                     scaling off"
                ))
            }
            CapacityView::Instances { .. } => None,
        }
    }

    /// The capacity provider that scales the group, if one does.
    #[must_use]
    pub fn provider(&self) -> Option<&str> {
        match self {
            CapacityView::Instances { scaled_by: ScaledBy::Provider(provider), .. } => {
                Some(provider)
            }
            _ => None,
        }
    }

    /// Fargate, if tasks run there.
    #[must_use]
    pub fn fargate(&self) -> Option<&FargateView> {
        match self {
            CapacityView::Fargate(fargate) => Some(fargate),
            CapacityView::Instances { .. } => None,
        }
    }
}

/// Who decides how many instances there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScaledBy {
    /// That was not seen yet.
    Unknown,
    /// Whoever sets the group's size: we.
    Us,
    /// This capacity provider.
    Provider(String),
}

/// Fargate, as far as this run uses it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct FargateView {
    /// Whether it is Spot, which AWS may take back.
    pub spot: bool,
    /// Tasks of the run that are there, those on their way up or down included.
    pub tasks: u32,
    /// What one task takes, in CPU units (1,024 are a vCPU) and MiB; none while its
    /// definition was not seen.
    pub each: Option<(u32, u32)>,
    /// How many vCPU the account may have at a time; none: not known.
    pub quota_vcpu: Option<f64>,
    /// What tasks wait for, while some do and ECS said it.
    pub shortage: Option<Shortage>,
}

impl FargateView {
    /// vCPU that the tasks take.
    #[must_use]
    pub fn vcpu(&self) -> f64 {
        f64::from(self.each.map_or(0, |(cpu, _)| cpu)) * f64::from(self.tasks) / 1024.0
    }

    /// GB of memory that the tasks take.
    #[must_use]
    pub fn memory_gb(&self) -> f64 {
        f64::from(self.each.map_or(0, |(_, memory)| memory)) * f64::from(self.tasks) / 1024.0
    }
}
