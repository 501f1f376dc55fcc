//! What tasks run on beside the instances themselves: who scales the group, and what is
//! short on Fargate.
//!
//! Invariants: a run's tasks are started on what its registry says, and no run begins
//! before the capacity providers were looked at; where a provider scales the group nobody
//! here sets its size.

use super::{
    actor::Actor,
    jobs::Done,
    learn::RETRY_MS,
    run::Run,
    snapshot::{CapacityView, FargateView, Level, ScaledBy, TasksView},
};
use crate::{
    cloud::{
        Cloud, CloudError, ErrorKind, Names, Quota,
        types::{ProviderSeen, ProvidersSeen, Shortage, TaskSeen},
    },
    model::{Millis, capacity::Capacity},
};

/// How often the capacity providers are looked at again: few change them, and none often.
const PROVIDERS_EVERY_MS: Millis = 60_000;

/// How often the account's quota is looked at again.
const QUOTA_EVERY_MS: Millis = 600_000;

/// What is known of the capacity.
#[derive(Debug, Default)]
pub(super) struct Supply {
    /// What was seen of a group.
    seen: Option<Seen>,
    /// How many vCPU the account may have on Fargate at a time, if that is known, and
    /// whether those are of Fargate Spot.
    quota: Option<(bool, f64)>,
    /// What tasks wait for, as ECS said last; none since one was placed.
    pub(super) shortage: Option<Shortage>,
    /// Whether it was told that the providers cannot be seen.
    told: bool,
}

/// A group that was looked at, and the provider that manages it, if there is one.
#[derive(Debug)]
struct Seen {
    group: String,
    provider: Option<ProviderSeen>,
}

impl Supply {
    /// Whether it is known who scales the group of these names, or there is none.
    pub(super) fn is_known(&self, names: &Names) -> bool {
        names.capacity.group_name().is_none_or(|group| self.of(group).is_some())
    }

    /// How many vCPU the account may have at a time, on demand or of Spot.
    pub(super) fn quota_vcpu(&self, spot: bool) -> Option<f64> {
        self.quota.filter(|(of, _)| *of == spot).map(|(_, vcpu)| vcpu)
    }

    /// What was seen of a group, if it was looked at.
    fn of(&self, group: &str) -> Option<&Seen> {
        self.seen.as_ref().filter(|seen| seen.group == group)
    }

    /// Who scales a group.
    fn scaled_by(&self, group: &str) -> ScaledBy {
        match self.of(group).map(|seen| &seen.provider) {
            None => ScaledBy::Unknown,
            Some(Some(provider)) if provider.scales => ScaledBy::Provider(provider.name.clone()),
            Some(_) => ScaledBy::Us,
        }
    }
}

impl Actor {
    /// The clients that know what the tasks run on: the run's, or those of the next one.
    pub(super) fn fleet_cloud(&self) -> &Cloud {
        self.run.as_ref().map_or(&self.cloud, |run| &run.cloud)
    }

    /// Whether tasks run on what AWS may take back.
    pub(super) fn is_spot(&self) -> bool {
        self.fleet_cloud().names().capacity == Capacity::Fargate { spot: true }
    }

    /// The instances of this run count from now on, and the size of its tasks.
    pub(super) fn take_fleet_of(&mut self, run: &Run) {
        self.supply.shortage = None;
        if run.cloud.names().group() == self.fleet_cloud().names().group() {
            return self.fleet.forget_definition();
        }
        self.fleet.forget();
        self.fleet_at = None;
        self.looks.providers.hurry();
    }

    /// Decides what the tasks of a run that begins are started on: where a provider scales
    /// the group, through that. False: it is not known yet.
    pub(super) fn settle_capacity(&mut self) -> bool {
        let Some(run) = &mut self.run else {
            return false;
        };
        let mut names = run.cloud.names().clone();
        let Capacity::Group { name, provider } = &mut names.capacity else {
            return true;
        };
        let Some(seen) = self.supply.of(name) else {
            return false;
        };
        let found = seen.provider.as_ref().filter(|found| found.scales);
        if let (Some(found), None) = (found, provider.as_ref()) {
            *provider = Some(found.name.clone());
            run.registry.capacity = Some(names.capacity.clone());
            run.cloud = run.cloud.with_names(names);
            if let Err(error) = run.write_registry(&self.options.runs) {
                self.notice_no_folder(&error);
            }
        }
        true
    }

    /// Asks for the account's quota of vCPUs on Fargate, which is good to know and may be
    /// forbidden to ask for.
    pub(super) fn look_at_quota(&mut self, now: Millis) {
        if self.looks.quota.is_due(now) {
            let (cloud, spot) = (self.fleet_cloud().clone(), self.is_spot());
            let quota = if spot { Quota::FargateSpotVcpus } else { Quota::FargateVcpus };
            self.spawn(async move { Done::Quota(spot, cloud.quota(quota).await) });
        }
    }

    /// The quota was looked at.
    pub(super) fn learn_quota(&mut self, spot: bool, answer: Result<f64, CloudError>) {
        let passing = answer.as_ref().is_err_and(CloudError::is_passing);
        let every = if passing { PROVIDERS_EVERY_MS } else { QUOTA_EVERY_MS };
        self.looks.quota.done(self.clock.monotonic() + every);
        match answer {
            Ok(vcpu) => self.supply.quota = Some((spot, vcpu)),
            Err(error) => tracing::info!("{error}; how many vCPUs there may be is not known"),
        }
    }

    /// The capacity providers were looked at.
    pub(super) fn learn_providers(
        &mut self,
        group: &str,
        answer: Result<ProvidersSeen, CloudError>,
    ) {
        let now = self.clock.monotonic();
        self.looks.providers.done(now + PROVIDERS_EVERY_MS);
        if self.fleet_cloud().names().group() != group {
            return self.looks.providers.hurry();
        }
        let provider = match answer {
            Ok(seen) => seen.of_group,
            // Nothing can be started without a cluster: it may come.
            Err(error) if error.is_passing() || error.kind == ErrorKind::NotFound => {
                self.looks.providers.done(now + RETRY_MS.max(self.refresh_ms()));
                return self.failed(&error, "looking again");
            }
            Err(error) => {
                if !self.supply.told {
                    self.supply.told = true;
                    let then = format!(
                        "whether a capacity provider scales the group {group} is not known, and \
                         it is taken that none does"
                    );
                    self.failed(&error, &then);
                }
                None
            }
        };
        let before = self.supply.scaled_by(group);
        self.supply.seen = Some(Seen { group: group.to_owned(), provider });
        let after = self.supply.scaled_by(group);
        if let (ScaledBy::Provider(provider), true) = (&after, before != after) {
            let text = format!(
                "the group {group} is scaled by the capacity provider {provider} (managed \
                 scaling): runs that begin here start their tasks through it, and it brings the \
                 instances"
            );
            self.notice(Level::Info, text);
        }
    }

    /// Why the number of instances cannot be changed, if it cannot.
    pub(super) fn scale_refusal(&self) -> Option<String> {
        self.capacity_view(&TasksView::default()).refusal()
    }

    /// Says what tasks wait for, when that has changed.
    pub(super) fn note_shortage(&mut self, shortage: Shortage) {
        if self.supply.shortage.replace(shortage) == Some(shortage) {
            return;
        }
        let wait = self.run.as_ref().map_or(0, |run| run.registry.policy.capacity_wait_ms);
        let wait = humantime::format_duration(std::time::Duration::from_millis(wait));
        let text = format!(
            "{} starts no further task now: {} is used up; tasks wait for it, for {wait} at most \
             (--capacity-wait)",
            self.fleet_cloud().names().capacity,
            shortage.name(self.is_spot())
        );
        self.notice(Level::Warning, text);
    }

    /// What tasks run on, for the screen.
    pub(super) fn capacity_view(&self, tasks: &TasksView) -> CapacityView {
        match &self.fleet_cloud().names().capacity {
            Capacity::Group { name, .. } => CapacityView::Instances {
                group: name.clone(),
                scaled_by: self.supply.scaled_by(name),
            },
            Capacity::Fargate { spot } => {
                let size = |of: i32| u32::try_from(of).unwrap_or(0);
                let each = self.fleet.definition.as_ref().map(|it| (size(it.cpu), size(it.memory)));
                CapacityView::Fargate(FargateView {
                    spot: *spot,
                    // Those that are told to stop take their place until they are gone.
                    tasks: tasks.pending + tasks.running + tasks.stopping,
                    each,
                    quota_vcpu: self.supply.quota_vcpu(*spot),
                    shortage: self.supply.shortage.filter(|_| tasks.waiting_for_room > 0),
                })
            }
        }
    }
}

impl Run {
    /// Notes whether a task waits for its provider's instances.
    pub(super) fn note_provisioning(&mut self, task: &TaskSeen, now: Millis) {
        let through_provider =
            matches!(self.cloud.names().capacity, Capacity::Group { provider: Some(_), .. });
        if through_provider && task.last_status == "PROVISIONING" {
            self.provisioning.entry(task.arn.clone()).or_insert(now);
        } else {
            self.provisioning.remove(&task.arn);
        }
    }

    /// The slots whose tasks wait for their provider's instances, and have done so for
    /// longer than that.
    pub(super) fn provisioning_longer(&self, now: Millis, than: Millis) -> Vec<u32> {
        let waits =
            self.provisioning.iter().filter(|(_, since)| now.saturating_sub(**since) > than);
        waits.filter_map(|(arn, _)| self.slots.by_arn(arn)).collect()
    }
}
