//! What tasks run on, and where that is in the network.
//!
//! Invariant: what ECS would refuse when a task is started is refused here. A group is
//! loadtop's own only where the file says so of that very group.

use super::{
    document::At,
    raw,
    resolve::Resolving,
    rules::{self, Verdict},
};
use crate::{
    cli::values,
    model::capacity::{Capacity, Network},
};

/// Subnets that one task may be told.
const SUBNETS: usize = 16;
/// Security groups that one task may be told.
const SECURITY_GROUPS: usize = 5;

impl Resolving<'_> {
    /// What the file says that tasks run on.
    pub(super) fn capacity_of_file(&mut self, raw: &raw::Capacity) -> Option<Capacity> {
        let is_own = raw.own.as_ref().filter(|it| it.value && raw.group.is_none());
        if let Some(own) = is_own {
            let why = "only an Auto Scaling group can be loadtop's own; name it with `group`";
            self.problems.at(own.line, "capacity.own", why);
        }
        match (&raw.group, &raw.fargate) {
            (Some(_), Some(fargate)) => {
                let why = "tasks run on a group's instances or on Fargate; leave `group` or \
                           `fargate` out";
                self.problems.at(fargate.line, "capacity.fargate", why);
                None
            }
            (Some(group), None) => {
                self.line(group, "capacity.group", rules::group)?;
                Some(Capacity::group(&group.value))
            }
            (None, Some(fargate)) => match values::fargate(&fargate.value) {
                Ok(capacity) => Some(capacity),
                Err(why) => {
                    self.problems.at(fargate.line, "capacity.fargate", why);
                    None
                }
            },
            (None, None) => None,
        }
    }

    pub(super) fn capacity(&mut self, by_file: Option<Capacity>) -> Option<Capacity> {
        if let Some(fargate) = &self.place.fargate {
            return Some(fargate.clone());
        }
        match self.said(("--group", self.place.group.as_ref()), &["LOADTOP_GROUP"], None) {
            Some(said) => {
                self.check(&said, "capacity.group", rules::group);
                Some(Capacity::group(said.value))
            }
            None => by_file,
        }
    }

    pub(super) fn network(
        &mut self,
        raw: &raw::Capacity,
        by_file: Option<&Capacity>,
        capacity: Option<&Capacity>,
    ) -> Network {
        let subnets = self.ids(raw.subnets.as_ref(), "capacity.subnets", SUBNETS, rules::subnet);
        let key = "capacity.security-groups";
        let groups = raw.security_groups.as_ref();
        let security_groups = self.ids(groups, key, SECURITY_GROUPS, rules::security_group);
        if let Some(groups) = groups.filter(|_| raw.subnets.is_none()) {
            let why = "they are of tasks with addresses of their own (network mode awsvpc); name \
                       their `subnets`, too";
            self.problems.at(groups.line, key, why);
        }
        let on_group = |it: Option<&Capacity>| it.is_some_and(Capacity::has_instances);
        let public = raw.public_address.as_ref().filter(|it| it.value);
        if let Some(public) = public.filter(|_| on_group(by_file)) {
            let why = "ECS gives public addresses to tasks on Fargate only; on a group's instances \
                       leave it out";
            self.problems.at(public.line, "capacity.public-address", why);
        }
        let on_fargate = capacity.is_some_and(|it| !it.has_instances());
        if on_fargate
            && subnets.is_empty()
            && raw.subnets.as_ref().is_none_or(|it| it.value.is_empty())
        {
            self.missing(
                "capacity.subnets",
                "on Fargate each task has an address: say in which subnets",
            );
        }
        Network { subnets, security_groups, public_address: public.is_some() && on_fargate }
    }

    pub(super) fn ids(
        &mut self,
        all: Option<&At<Vec<At<String>>>>,
        key: &str,
        most: usize,
        rule: fn(&str) -> Verdict,
    ) -> Vec<String> {
        let Some(all) = all else { return Vec::new() };
        if all.value.len() > most {
            self.problems.at(
                all.line,
                key,
                format!("{} of them; ECS takes {most}", all.value.len()),
            );
        }
        all.value.iter().filter_map(|one| self.line(one, key, rule)).collect()
    }
}
