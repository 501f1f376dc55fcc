//! What runs in the tasks: a task definition that is there, or an image that one is
//! registered for.
//!
//! Invariant: what ECS would refuse when the definition is registered, or what could
//! never hear of its run's end, is refused here, before anything is started.

use super::{
    AGENT, Image, Task,
    document::At,
    raw,
    resolve::{Origin, Resolving, Said},
    rules::{self, Verdict},
};
use crate::cli::{self, values};

/// The variable that holds a device's id, unless another is named.
pub(crate) const IDENTITY: &str = "UUID";
/// How long a container may take to end, in seconds: what ECS itself grants.
const STOP_TIMEOUT_S: u32 = 30;

/// What else is known.
#[derive(Debug, Clone, Copy)]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct About {
    /// Whether ECS is on this machine.
    pub(super) is_local: bool,
    /// Whether it has the definition of loadtop's agent, as a local cloud does.
    pub(super) has_agent: bool,
    /// Whether tasks run on Fargate.
    pub(super) fargate: bool,
    /// Whether there is a bucket.
    pub(super) has_bucket: bool,
}

impl Resolving<'_> {
    /// What runs in the tasks; none: `problems` say why.
    pub(super) fn task(
        &mut self,
        raw: &raw::Task,
        flags: Option<&cli::Image>,
        about: About,
    ) -> Option<Task> {
        let before = self.problems.count();
        let of_file = self.task_of_file(raw, about).map(|task| self.with_identity(task, flags));
        let is_wrong = self.problems.count() > before;
        let given = flags.and_then(|flags| self.task_of_flags(raw, flags));
        let exec = flags.is_some_and(|it| it.exec.is_some());
        if exec && !about.is_local {
            self.problems.about(
                "--exec",
                "a program of this machine can only run on a local cloud; say --task-definition, \
                 or [task] in loadtop.toml",
            );
        }
        let begins = flags.is_some() && !exec;
        let task = given.or(of_file).or_else(|| {
            // Whoever begins no run needs none; a local cloud has one.
            (!begins || (about.has_agent && !is_wrong)).then(Task::default)
        });
        match &task {
            None if !is_wrong => self.missing(
                "task.definition",
                "say the task definition that runs as each device, and its `container` (or \
                 --task-definition and --container), or an `image` that one is registered for",
            ),
            Some(task) if begins && task.identity().is_none() && !about.has_bucket => self.missing(
                "bucket",
                "agents read in it what they are to do, and write what they found; without one \
                 only an image of your own can run",
            ),
            _ => {}
        }
        task
    }

    fn task_of_flags(&mut self, raw: &raw::Task, flags: &cli::Image) -> Option<Task> {
        let given =
            |value: &String, flag| Said { value: value.clone(), origin: Origin::Flag(flag) };
        let (name, container) = flags.task_definition.as_ref().zip(flags.container.as_ref())?;
        self.check(&given(name, "--task-definition"), "", rules::definition);
        self.check(&given(container, "--container"), "", rules::name);
        let by_file = raw.identity.as_ref().map(|it| it.value.clone());
        let identity = flags.identity.clone().or(by_file);
        Some(Task::Definition {
            name: name.clone(),
            container: container.clone(),
            identity: Some(identity.unwrap_or_else(|| IDENTITY.to_owned())),
        })
    }

    /// The file's task with the identity of the command line, if one is said there.
    fn with_identity(&mut self, mut task: Task, flags: Option<&cli::Image>) -> Task {
        // Where the command line names what runs, its identity is of that.
        let flags = flags.filter(|it| it.exec.is_none() && it.task_definition.is_none());
        let Some(named) = flags.and_then(|it| it.identity.as_ref()) else { return task };
        let identity = match &mut task {
            Task::Definition { identity, .. } => identity,
            Task::Image(image) => &mut image.identity,
        };
        if let Some(identity) = identity {
            identity.clone_from(named);
        } else {
            let why = "an agent tells its devices their ids itself; leave it out";
            self.problems.about("--identity", why);
        }
        task
    }

    fn task_of_file(&mut self, raw: &raw::Task, about: About) -> Option<Task> {
        match (&raw.definition, &raw.image) {
            (Some(_), Some(image)) => {
                let why = "a run has one of `definition` and `image`; leave the other out";
                self.problems.at(image.line, "task.image", why);
                None
            }
            (Some(definition), None) => self.definition(raw, definition),
            (None, Some(image)) => self.image(raw, image, about),
            (None, None) => {
                self.refuse(&raw.of_definition(), "it is of a `definition`, and none is named");
                self.refuse(&raw.of_image(), "it is of an `image`, and none is named");
                None
            }
        }
    }

    fn definition(&mut self, raw: &raw::Task, definition: &At<String>) -> Option<Task> {
        let why = "the task definition says that itself; it is only of an `image`";
        self.refuse(&raw.of_image(), why);
        let name = self.line(definition, "task.definition", rules::definition);
        if raw.container.is_none() {
            let why = "say which container of the task definition is told its device";
            self.missing("task.container", why);
        }
        let container = self.maybe(raw.container.as_ref(), "task.container", rules::name);
        let identity = self.identity(raw);
        Some(Task::Definition { name: name?, container: container?, identity: identity? })
    }

    fn image(&mut self, raw: &raw::Task, image: &At<String>, about: About) -> Option<Task> {
        let why = "it is of a `definition`; the container of an `image` has a name of loadtop's";
        self.refuse(&raw.of_definition(), why);
        let name = self.line(image, "task.image", rules::image);
        let identity = self.identity(raw);
        let size = self.size(raw, about.fargate);
        let watchdog = self.maybe(raw.watchdog_image.as_ref(), "task.watchdog-image", rules::image);
        let task_role = self.maybe(raw.task_role.as_ref(), "task.task-role", rules::role);
        let role = raw.execution_role.as_ref();
        let execution_role = self.maybe(role, "task.execution-role", rules::role);
        let log_group = self.maybe(raw.log_group.as_ref(), "task.log-group", rules::log_group);
        let family = self.maybe(raw.family.as_ref(), "task.family", rules::name);
        let is_agent = raw.agent.as_ref().is_some_and(|it| it.value);
        if let Some(watchdog) = &raw.watchdog_image {
            if is_agent {
                let why = "an agent ends by itself when its run does; leave it out";
                self.problems.at(watchdog.line, "task.watchdog-image", why);
            } else if !about.has_bucket {
                let why = "a watchdog reads in the `bucket` when the run is over; name one, or \
                           leave this out";
                self.problems.at(watchdog.line, "task.watchdog-image", why);
            }
        }
        if about.fargate && !about.is_local {
            self.roles(raw, image, is_agent);
        }
        let stop_timeout_s = self.stop_timeout(raw);
        let (cpu, memory) = size?;
        Some(Task::Image(Box::new(Image {
            image: name?,
            family: family.unwrap_or_else(|| "loadtop".to_owned()),
            cpu,
            memory,
            identity: identity?,
            watchdog,
            task_role,
            execution_role,
            log_group,
            stop_timeout_s,
        })))
    }

    /// On Fargate there is no instance whose role could serve instead.
    fn roles(&mut self, raw: &raw::Task, image: &At<String>, is_agent: bool) {
        if raw.execution_role.is_none() {
            let wants = if rules::is_of_ecr(&image.value) {
                "to pull an image from ECR"
            } else {
                "to write the log"
            };
            if raw.log_group.is_some() || rules::is_of_ecr(&image.value) {
                let why = format!("Fargate needs one {wants}: say the ARN of a role");
                self.missing("task.execution-role", &why);
            }
        }
        if raw.task_role.is_none() && (is_agent || raw.watchdog_image.is_some()) {
            let who = if is_agent { "agents" } else { "a watchdog" };
            let why = format!(
                "{who} on Fargate can only reach the bucket with the rights of a role; say its ARN"
            );
            self.missing("task.task-role", &why);
        }
    }

    fn size(&mut self, raw: &raw::Task, fargate: bool) -> Option<(u32, u32)> {
        let mut number = |at: Option<&At<i64>>, key: &str, why: &str| {
            let Some(at) = at else {
                self.missing(key, why);
                return None;
            };
            let number = u32::try_from(at.value).ok();
            if number.is_none() {
                self.problems.at(at.line, key, why);
            }
            Some((number?, at.line))
        };
        let cpu =
            number(raw.cpu.as_ref(), "task.cpu", "say how many units a task has; 1024 are a vCPU");
        let memory = number(raw.memory.as_ref(), "task.memory", "say how many MiB a task has");
        let ((cpu, cpu_line), (memory, memory_line)) = (cpu?, memory?);
        if let Err((key, why)) = rules::size(fargate, cpu, memory) {
            let line = if key == "cpu" { cpu_line } else { memory_line };
            self.problems.at(line, &format!("task.{key}"), why);
        }
        Some((cpu, memory))
    }

    fn stop_timeout(&mut self, raw: &raw::Task) -> u32 {
        let Some(at) = &raw.stop_timeout else { return STOP_TIMEOUT_S };
        values::wait(&at.value).and_then(rules::stop_timeout).unwrap_or_else(|why| {
            self.problems.at(at.line, "task.stop-timeout", why);
            STOP_TIMEOUT_S
        })
    }

    /// The variable with the device's id; inside none: it is an agent.
    #[allow(clippy::option_option, reason = "none: wrong; of none: not wanted")]
    fn identity(&mut self, raw: &raw::Task) -> Option<Option<String>> {
        let is_agent = raw.agent.as_ref().is_some_and(|it| it.value);
        match &raw.identity {
            Some(identity) if is_agent => {
                let why = "an agent tells its devices their ids itself; leave `identity` or `agent \
                           = true` out";
                self.problems.at(identity.line, "task.identity", why);
                None
            }
            Some(identity) => {
                let rule = |text: &str| values::variable(text).map(drop);
                self.line(identity, "task.identity", rule).map(Some)
            }
            None => Some((!is_agent).then(|| IDENTITY.to_owned())),
        }
    }

    fn maybe(
        &mut self,
        at: Option<&At<String>>,
        key: &str,
        rule: fn(&str) -> Verdict,
    ) -> Option<String> {
        at.and_then(|at| self.line(at, key, rule))
    }

    fn refuse(&mut self, keys: &[(&str, Option<usize>)], why: &str) {
        for (key, line) in keys {
            if let Some(line) = line {
                self.problems.at(*line, &format!("task.{key}"), why);
            }
        }
    }
}

impl Task {
    /// What the task definition is called, and the container in it that is told its
    /// device. For an image that is the family, until a revision of it is registered.
    #[must_use]
    pub fn names(&self) -> (&str, &str) {
        match self {
            Task::Definition { name, container, .. } => (name, container),
            Task::Image(image) => (&image.family, AGENT.1),
        }
    }
}

impl raw::Task {
    /// The lines of keys that are of a definition only.
    fn of_definition(&self) -> [(&'static str, Option<usize>); 1] {
        [("container", line(self.container.as_ref()))]
    }

    /// The lines of keys that are of an image only.
    fn of_image(&self) -> [(&'static str, Option<usize>); 8] {
        [
            ("cpu", line(self.cpu.as_ref())),
            ("memory", line(self.memory.as_ref())),
            ("family", line(self.family.as_ref())),
            ("watchdog-image", line(self.watchdog_image.as_ref())),
            ("task-role", line(self.task_role.as_ref())),
            ("execution-role", line(self.execution_role.as_ref())),
            ("log-group", line(self.log_group.as_ref())),
            ("stop-timeout", line(self.stop_timeout.as_ref())),
        ]
    }
}

fn line<T>(at: Option<&At<T>>) -> Option<usize> {
    at.map(|it| it.line)
}
