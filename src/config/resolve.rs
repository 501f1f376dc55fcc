//! The second stage: flags, then the environment, then the file, then defaults, checked
//! as a whole.
//!
//! Invariant: nothing of AWS is looked at before a cluster is named, and nothing is
//! guessed for one of Amazon's: what is missing is named with the key that says it.

use std::time::Duration;

use super::{
    Config, File, Lookup, Reach, Task,
    document::{At, Document, Problems},
    raw::{self, Raw},
    reach::Named,
    rules::{self, Verdict},
    screen, task,
};
use crate::{
    cli::{self, Where, values},
    model::{capacity::Capacity, prices},
    usage::Usage,
};

/// All that is asked.
pub(crate) struct Asked<'a> {
    /// The command line: where.
    pub(crate) place: &'a Where,
    /// The command line: what runs in the tasks; none: no run is begun, so that none of
    /// that need be known.
    pub(crate) image: Option<&'a cli::Image>,
    /// The environment.
    pub(crate) lookup: Lookup<'a>,
    /// The file.
    pub(crate) file: Option<&'a File>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Found {
    /// All that is known.
    pub(crate) config: Config,
    /// How AWS is reached.
    pub(crate) reach: Reach,
}

/// Where a value was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// On the command line.
    Flag(&'static str),
    /// In the environment.
    Variable(&'static str),
    /// On this line of the file.
    Line(usize),
}

/// A value, and where it was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) value: String,
    pub(super) origin: Origin,
}

impl Asked<'_> {
    /// Where runs are made; none: no cluster is named. The error has all that is wrong.
    pub(crate) fn resolve(&self) -> Result<Option<Found>, Usage> {
        if self.place.local {
            return Ok(None);
        }
        let file = self.file.map(|file| file.path.display().to_string());
        let problems = Problems::of(file.clone().unwrap_or_default());
        let mut resolving = Resolving { place: self.place, lookup: self.lookup, file, problems };
        let (raw, says_something) = match self.file {
            None => (Raw::default(), false),
            Some(file) => match Document::parse(&file.text, &mut resolving.problems) {
                None => return Err(Usage(resolving.problems.text())),
                Some(mut document) => {
                    let raw = Raw::read(&mut document, &mut resolving.problems);
                    let _ = screen::checked(&raw, &mut resolving.problems);
                    (raw, document.says_more_than(&screen::TABLES))
                }
            },
        };
        // How the screen looks is nothing about a place.
        let file = self.file.filter(|_| says_something);
        resolving.file = resolving.file.filter(|_| says_something);
        let found = match resolving.cluster(&raw, says_something) {
            Some(cluster) => resolving.found(self.image, &raw, &cluster),
            None => None,
        };
        if resolving.problems.count() > 0 {
            return Err(Usage(resolving.problems.text()));
        }
        Ok(found.map(|found| Found {
            config: Config { file: file.map(|file| file.path.clone()), ..found.config },
            ..found
        }))
    }
}

/// The work.
pub(super) struct Resolving<'a> {
    pub(super) place: &'a Where,
    lookup: Lookup<'a>,
    /// What the file is called, if there is one.
    file: Option<String>,
    pub(super) problems: Problems,
}

impl Resolving<'_> {
    fn cluster(&mut self, raw: &Raw, says_something: bool) -> Option<Said> {
        let flag = ("--cluster", self.place.cluster.as_ref());
        let said = self.said(flag, &["LOADTOP_CLUSTER"], raw.cluster.as_ref());
        if said.is_none() && says_something {
            self.missing(
                "cluster",
                "say which ECS cluster (or --cluster); --local takes a local cloud of loadtop's \
                 own, and reads no file",
            );
        } else if let Some(flag) = self.place.named_besides_cluster().filter(|_| said.is_none()) {
            let why = "no cluster is named; say --cluster, or `cluster` in loadtop.toml";
            self.problems.about(flag, why);
        }
        let said = said?;
        self.check(&said, "cluster", rules::name);
        Some(said)
    }

    /// All of it; none: `problems` say why.
    fn found(&mut self, image: Option<&cli::Image>, raw: &Raw, cluster: &Said) -> Option<Found> {
        let reach = self.reach(raw, cluster);
        let by_keys = reach.as_ref().is_some_and(Reach::is_by_keys);
        let by_file = self.capacity_of_file(&raw.capacity);
        let guessed = by_keys.then(|| Capacity::group(&cluster.value));
        let capacity = self.capacity(by_file.clone()).or(guessed);
        if capacity.is_none() && raw.capacity.group.is_none() && raw.capacity.fargate.is_none() {
            self.missing(
                "capacity.group",
                "say the Auto Scaling group whose instances tasks run on (or --group), or \
                 `fargate = \"on-demand\"` or `\"spot\"` (or --fargate)",
            );
        }
        let is_of_file = capacity.is_some() && capacity == by_file;
        let network = self.network(&raw.capacity, by_file.as_ref(), capacity.as_ref());
        let guessed = (by_keys && self.file.is_none()).then(|| cluster.value.clone());
        let bucket = self.bucket(raw).unwrap_or(guessed);
        let reach_is_local = reach.as_ref().is_none_or(Reach::is_loopback);
        let about = task::About {
            is_local: reach_is_local,
            has_agent: by_keys,
            fargate: capacity.as_ref().is_some_and(|it| !it.has_instances()),
            has_bucket: bucket.is_some(),
        };
        let task = self.task(&raw.task, image, about);
        let config = Config {
            file: None,
            regions: self.regions(raw),
            cluster: cluster.value.clone(),
            owns_group: is_of_file && raw.capacity.own.as_ref().is_some_and(|it| it.value),
            network,
            bucket,
            devices_per_task: self.devices(&raw.task, task.as_ref()),
            lease: self.lease(raw),
            budget_usd: self.budget(raw),
            tags: self.tags(raw),
            prices: self.prices(raw),
            access: reach.as_ref()?.access.clone(),
            capacity: capacity?,
            task: task?,
        };
        Some(Found { config, reach: reach? })
    }

    fn reach(&mut self, raw: &Raw, cluster: &Said) -> Option<Reach> {
        let flag = ("--region", self.place.region.as_ref());
        let variables = ["AWS_REGION", "AWS_DEFAULT_REGION"];
        let region = self.said(flag, &variables, raw.region.as_ref());
        let profile = self.said(("--profile", self.place.profile.as_ref()), &[], None);
        let by_file = self.said(("", None), &[], raw.profile.as_ref());
        for (said, key) in [(&profile, "profile"), (&by_file, "profile")] {
            if let Some(said) = said {
                self.check(said, key, rules::profile);
            }
        }
        // What the environment says may be any name, as a local cloud's is.
        if let Some(said) = region.as_ref().filter(|it| !matches!(it.origin, Origin::Variable(_))) {
            self.check(said, "region", rules::region);
        }
        let named = Named {
            region: region.map(|it| it.value),
            profile_by_flag: profile.map(|it| it.value),
            profile_by_file: by_file.map(|it| it.value),
        };
        let reach = Reach::of(named, self.lookup);
        let wrong = |(name, why): super::reach::Wrong| {
            let (named, why) = (&cluster.value, format!("{name} {why}"));
            match cluster.origin {
                Origin::Flag(flag) => self.problems.about(&format!("{flag} {named}"), why),
                Origin::Variable(name) => self.problems.about(&format!("{name}={named}"), why),
                Origin::Line(line) => self.problems.at(line, "cluster", why),
            }
        };
        reach.map_err(wrong).ok()
    }

    /// The bucket; inside none: it was said that there is none, by an empty name.
    #[allow(clippy::option_option, reason = "none: nobody said")]
    fn bucket(&mut self, raw: &Raw) -> Option<Option<String>> {
        let variable = || (self.lookup)("LOADTOP_BUCKET");
        if self.place.bucket.clone().or_else(variable).is_some_and(|it| it.is_empty()) {
            return Some(None);
        }
        let flag = ("--bucket", self.place.bucket.as_ref());
        let said = self.said(flag, &["LOADTOP_BUCKET"], raw.bucket.as_ref())?;
        self.check(&said, "bucket", rules::bucket);
        Some(Some(said.value))
    }

    fn regions(&mut self, raw: &Raw) -> Vec<String> {
        let all = raw.regions.as_ref();
        self.ids(all, "regions", usize::MAX, rules::region)
    }

    fn devices(&mut self, raw: &raw::Task, task: Option<&Task>) -> Option<u32> {
        let devices = raw.devices.as_ref()?;
        let key = "task.devices";
        let own = task.is_some_and(|it| it.identity().is_some());
        match u32::try_from(devices.value) {
            Ok(many) if many > 0 && (many == 1 || !own) => Some(many),
            Ok(many) if many > 0 => {
                // A definition of the command line need not suit what the file is about.
                if !raw.agent.as_ref().is_some_and(|it| it.value) {
                    let why = "a task of an image of your own is one device; leave it out, or say \
                               `agent = true` if it runs `loadtop agent`";
                    self.problems.at(devices.line, key, why);
                }
                None
            }
            _ => {
                self.problems.at(devices.line, key, "at least 1: a task has room for that many");
                None
            }
        }
    }

    fn lease(&mut self, raw: &Raw) -> Option<Duration> {
        let lease = raw.lease.as_ref()?;
        let wrong = |why| self.problems.at(lease.line, "run.lease", why);
        values::lease(&lease.value).map_err(wrong).ok()
    }

    fn budget(&mut self, raw: &Raw) -> Option<f64> {
        let budget = raw.budget.as_ref()?;
        let wrong = |why| self.problems.at(budget.line, "run.budget", why);
        rules::budget(budget.value).map_err(wrong).ok().map(|()| budget.value)
    }

    fn tags(&mut self, raw: &Raw) -> std::collections::BTreeMap<String, String> {
        for (key, at) in &raw.tags {
            if let Err(why) = rules::tag(key, &at.value) {
                self.problems.at(at.line, &format!("tags.{key}"), why);
            }
        }
        if let (Err(why), Some(first)) =
            (rules::tags(&raw.tags), raw.tags.values().map(|it| it.line).min())
        {
            self.problems.at(first, "tags", why);
        }
        raw.tags.iter().map(|(key, at)| (key.clone(), at.value.clone())).collect()
    }

    fn prices(&mut self, raw: &Raw) -> std::collections::BTreeMap<String, f64> {
        for (key, at) in &raw.prices {
            let alone = [(key.clone(), at.value)].into();
            if let Err(wrong) = prices::check_overrides(&alone) {
                self.problems.at(at.line, &format!("prices.{key}"), wrong.to_string());
            }
        }
        raw.prices.iter().map(|(key, at)| (key.clone(), at.value)).collect()
    }

    /// The first who says something: flag, variables, file. Empty is nothing said, except
    /// in the file.
    pub(super) fn said(
        &self,
        (flag, given): (&'static str, Option<&String>),
        variables: &[&'static str],
        raw: Option<&At<String>>,
    ) -> Option<Said> {
        let full = |value: String| Some(value).filter(|it| !it.is_empty());
        let by_flag = given.cloned().and_then(full);
        let by_flag = by_flag.map(|value| Said { value, origin: Origin::Flag(flag) });
        let by_variable = || {
            variables.iter().find_map(|name| {
                let value = (self.lookup)(name).and_then(full)?;
                Some(Said { value, origin: Origin::Variable(name) })
            })
        };
        let by_file = || {
            let raw = raw?;
            Some(Said { value: raw.value.clone(), origin: Origin::Line(raw.line) })
        };
        by_flag.or_else(by_variable).or_else(by_file)
    }

    pub(super) fn check(&mut self, said: &Said, key: &str, rule: impl Fn(&str) -> Verdict) {
        if let Err(why) = rule(&said.value) {
            match said.origin {
                Origin::Line(line) => self.problems.at(line, key, why),
                Origin::Flag(name) | Origin::Variable(name) => self.problems.about(name, why),
            }
        }
    }

    /// A value of the file, if the rule takes it.
    pub(super) fn line(
        &mut self,
        at: &At<String>,
        key: &str,
        rule: impl Fn(&str) -> Verdict,
    ) -> Option<String> {
        match rule(&at.value) {
            Ok(()) => Some(at.value.clone()),
            Err(why) => {
                self.problems.at(at.line, key, why);
                None
            }
        }
    }

    pub(super) fn missing(&mut self, key: &str, why: &str) {
        let (what, more) = match &self.file {
            Some(file) => (format!("{file}: {key}"), ""),
            None => (key.to_owned(), "; `loadtop init` writes a loadtop.toml for that"),
        };
        self.problems.about(&what, format!("missing; {why}{more}"));
    }
}
