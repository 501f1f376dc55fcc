//! Opening another target: a plan under a number of its own, then the wish that names it.
//!
//! Invariants: a wish names a plan only when that is in the bucket, under a number that
//! nobody else has written; what this controller calls the run's target is that of the
//! plan which the wish names, whoever opened it.

use std::time::Duration;

use bytes::Bytes;

use super::{
    actor::Actor, begin::REGISTRY, jobs::RunDone, learn::RETRY_MS, run::Run, snapshot::Level,
};
use crate::{
    cloud::{Cloud, CloudError, ErrorKind, types::Condition},
    model::{Millis, registry::Workload, wish::Change},
    plan::{Plan, Target},
    runs,
};

/// How often a plan is tried to be written, under whichever number.
const TRIES: u32 = 8;
/// The wait between two tries; grows with each.
const BETWEEN: Duration = Duration::from_millis(100);

/// The plans of a run, as far as they are on their way.
#[derive(Debug)]
pub(super) struct Opening {
    /// The plan's object that is known here.
    followed: String,
    /// Whether another one is being read, and not before when (monotonic).
    reading: bool,
    read_from: Millis,
    /// Whether one is being written.
    writing: bool,
    /// The order whose plan is written next; a later one takes its place.
    wanted: Option<(u64, Plan)>,
    /// The highest number that was written here.
    highest: u32,
}

impl Opening {
    /// The wish names this plan, and it is known.
    pub(super) fn new(followed: &str) -> Self {
        Opening {
            followed: followed.to_owned(),
            reading: false,
            read_from: 0,
            writing: false,
            wanted: None,
            highest: 0,
        }
    }

    /// How many orders are not in the wish's queue yet.
    pub(super) fn pending(&self) -> usize {
        usize::from(self.writing) + usize::from(self.wanted.is_some())
    }

    /// Forgets what is on its way.
    pub(super) fn forget(&mut self) {
        (self.reading, self.writing) = (false, false);
    }
}

/// The object of a plan.
fn name(number: u32) -> String {
    format!("plan-{number}.json")
}

/// The number of a plan's object.
fn number(name: &str) -> u32 {
    let digits = name.strip_prefix("plan-").and_then(|rest| rest.strip_suffix(".json"));
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

impl Actor {
    /// Has the devices talk to another target: those that run, or where none do those of
    /// the next run.
    pub(super) fn open(&mut self, target: &Target) {
        let is_on = self.run.as_ref().is_some_and(|run| !run.has_ended());
        let is_image = match &self.run {
            Some(run) if is_on => run.is_of_images(),
            _ => matches!(self.options.workload, Workload::Image { .. }),
        };
        if is_image {
            let definition = &self.fleet_cloud().names().task_definition;
            let text = format!(
                "the devices are the tasks of {definition}, an image of your own: what they talk \
                 to is up to it"
            );
            return self.refuse(Level::Warning, text);
        }
        if is_on && self.steerable().is_none() {
            let text = "the run is ending: open the target when it has ended";
            return self.refuse(Level::Warning, text);
        }
        let known = self.run.as_ref().filter(|_| is_on).and_then(|run| run.plan.as_ref());
        let known = known.or(self.options.plan.as_ref());
        let plan = known.map_or_else(|| Plan::simple(target.clone()), |plan| plan.at(target));
        let order = self.orders.taken;
        // A run that is begun later talks to what was opened last.
        self.options.plan = Some(plan.clone());
        let Some(run) = self.run.as_mut().filter(|_| is_on) else {
            return self.notice(Level::Info, format!("the next run talks to {target}"));
        };
        run.opening.wanted = Some((order, plan));
        self.notice(Level::Info, format!("{target} is opened: the devices move there"));
    }

    /// Sets how many requests a second all devices make together.
    pub(super) fn rate(&mut self, per_s: Option<f64>) {
        if per_s.is_some_and(|per_s| !per_s.is_finite() || per_s <= 0.0) {
            return self.refuse(Level::Warning, "a rate is more than 0 requests per second");
        }
        let Some(run) = self.steerable() else {
            let text = "there is no run whose rate could be set: + begins one";
            return self.refuse(Level::Warning, text);
        };
        if run.is_of_images() {
            let definition = &run.cloud.names().task_definition;
            let text = format!(
                "the devices are the tasks of {definition}, an image of your own: their rate is \
                 up to it"
            );
            return self.refuse(Level::Warning, text);
        }
        self.change(Change::Rate { execution: 0, per_s });
        let text = match per_s {
            Some(per_s) => format!("all devices together make {per_s} requests per second now"),
            None => "the rate is off: devices rest as their scenario says".to_owned(),
        };
        self.notice(Level::Info, text);
    }

    /// Writes a plan that was opened here, and reads one that was opened elsewhere.
    pub(super) fn keep_plan(&mut self, now: Millis) {
        let at = self.clock.bucket();
        let Some(run) = self.run.as_mut().filter(|run| !run.is_ending()) else {
            return;
        };
        let (id, cloud) = (run.id.clone(), run.cloud.clone());
        let reads = run.wish.plan != run.opening.followed
            && !run.opening.reading
            && now >= run.opening.read_from;
        let mut write = None;
        if !run.opening.writing
            && let Some((order, plan)) = run.opening.wanted.take()
        {
            run.opening.writing = true;
            let first = run.opening.highest.max(number(&run.preview(at).plan)) + 1;
            let body = serde_json::to_vec(&plan).expect("plain data is JSON");
            let job = write_plan(cloud.clone(), run.prefix.clone(), first, body.into());
            write = Some(async move { RunDone::PlanWritten(order, job.await) });
        }
        let mut read = None;
        if reads {
            run.opening.reading = true;
            let name = run.wish.plan.clone();
            let key = run.key(&name);
            read = Some(async move {
                let answer = runs::read::<Plan>(&cloud, &key).await;
                RunDone::PlanRead(name, answer.map(|(plan, _)| plan))
            });
        }
        if let Some(job) = write {
            self.spawn_of_run(&id, job);
        }
        if let Some(job) = read {
            self.spawn_of_run(&id, job);
        }
    }

    pub(super) fn learn_plan_written(&mut self, order: u64, answer: Result<u32, CloudError>) {
        let Some(run) = &mut self.run else {
            return;
        };
        run.opening.writing = false;
        match answer {
            Ok(number) => {
                run.opening.highest = number;
                let edit = run.change(Change::Plan { plan: name(number) });
                run.ordered.insert(edit, order);
            }
            Err(error) => {
                self.refused(order, error.to_string());
                self.failed(&error, "the target is not opened: press o again");
            }
        }
    }

    pub(super) fn learn_plan_read(
        &mut self,
        name: String,
        answer: Result<Option<Plan>, CloudError>,
    ) {
        let from = self.clock.monotonic() + RETRY_MS;
        let Some(run) = &mut self.run else {
            return;
        };
        run.opening.reading = false;
        match answer {
            Ok(Some(plan)) => {
                run.opening.followed = name;
                let target = plan.target().map(ToString::to_string);
                run.take_plan(plan);
                if let Some(target) = target {
                    self.notice(Level::Info, format!("the devices talk to {target} now"));
                }
                self.write_registry_of_run();
            }
            Ok(None) => {
                let text = format!("{name} cannot be read: what the devices talk to is not known");
                run.opening.followed = name;
                self.notice(Level::Error, text);
            }
            Err(error) => {
                run.opening.read_from = from;
                self.failed(&error, "the plan is read again");
            }
        }
    }

    /// Writes the new target into the registry. The leader does: it alone writes the
    /// run's end there.
    fn write_registry_of_run(&mut self) {
        let now = self.clock.monotonic();
        if !self.leads(now) {
            return;
        }
        let Some(run) = &self.run else {
            return;
        };
        let body = serde_json::to_vec(&run.registry).expect("plain data is JSON");
        let (id, key, cloud) = (run.id.clone(), run.key(REGISTRY), run.cloud.clone());
        self.spawn_of_run(&id, async move {
            let written = cloud.put_object(&key, body.into(), Condition::Always).await;
            RunDone::RegistryWritten(written.map(drop))
        });
    }

    pub(super) fn learn_registry_written(&mut self, answer: Result<(), CloudError>) {
        if let Err(error) = answer {
            self.failed(&error, "loadtop status names the former target until the run's end");
        }
    }
}

impl Run {
    /// Its devices do this now.
    pub(super) fn take_plan(&mut self, plan: Plan) {
        if let Some(target) = plan.target() {
            self.registry.target = Some(target.to_string());
        }
        self.plan = Some(plan);
    }
}

/// Writes a plan under the first number from `first` on that nobody has; which.
async fn write_plan(
    cloud: Cloud,
    prefix: String,
    first: u32,
    body: Bytes,
) -> Result<u32, CloudError> {
    let (mut tries, mut number) = (0, first);
    loop {
        let key = format!("{prefix}{}", name(number));
        let written = cloud.put_object(&key, body.clone(), Condition::Absent).await;
        let Err(error) = written else {
            return Ok(number);
        };
        tries += 1;
        let taken = error.kind == ErrorKind::Precondition;
        if tries >= TRIES || !(taken || error.is_passing()) {
            return Err(error);
        }
        if taken {
            // Another controller's, or ours whose answer was lost.
            number += 1;
        } else {
            tokio::time::sleep(BETWEEN * tries).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        controller::{Command, Join, Snapshot},
        local::sim::World,
    };

    const MINUTE: Duration = Duration::from_mins(1);

    fn says(snapshot: &Snapshot, text: &str) -> bool {
        snapshot.notices.iter().any(|it| it.text.contains(text))
    }

    #[test]
    fn plans_have_numbers() {
        assert_eq!(number(&name(17)), 17);
        assert_eq!(number("wish.json"), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_number_that_is_taken_is_left_to_whoever_has_it() {
        let world = World::new(61, |_| {});
        let (cloud, _link) = world.client();
        let write = |body: &'static str| write_plan(cloud.clone(), "p/".into(), 2, body.into());
        assert_eq!(write("a").await.expect("written"), 2);
        assert_eq!(write("b").await.expect("written"), 3);
        let (first, _) = cloud.get_object("p/plan-2.json", None).await.expect("there");
        let crate::cloud::types::Fetched::New(object) = first else { panic!("not there") };
        assert_eq!(object.body, "a");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_opens_a_target_all_controllers_name_it_and_so_does_the_registry() {
        let world = World::new(62, |_| {});
        let leader = world.controller("a");
        leader.add(100, Duration::ZERO).await;
        leader.until("it runs", MINUTE, |it| it.tasks.value.running == 1).await;
        let other = world.controller_with("b", |options| options.join = Join::Latest);
        other.until("it is followed", MINUTE, |it| it.run.is_some()).await;
        for (seat, target) in [(&other, "tcp://127.0.0.1:7001"), (&leader, "tcp://127.0.0.1:7002")]
        {
            seat.order(Command::Open(target.parse().expect("a target"))).await;
            for seat in [&leader, &other] {
                seat.until("it is named", MINUTE, |it| it.target == target).await;
                seat.until("it is said", MINUTE, |it| {
                    says(it, &format!("the devices talk to {target} now"))
                        && it.orders.unwritten == 0
                })
                .await;
            }
        }
        let (cloud, _link) = world.client();
        let run = world.ledger().runs.keys().next().expect("a run").clone();
        let wish = super::super::wishes::read(&cloud, &runs::key(&run, "wish.json")).await;
        assert_eq!(wish.expect("there").wish.plan, "plan-3.json");
        let registry = runs::read::<crate::model::registry::Registry>;
        let (registry, _) = registry(&cloud, &runs::key(&run, REGISTRY)).await.expect("there");
        assert_eq!(registry.expect("read").target.as_deref(), Some("tcp://127.0.0.1:7002"));
        leader.end_run(false).await;
        leader
            .until("it has ended", 3 * MINUTE, |it| {
                it.run.as_ref().is_some_and(|run| run.phase == super::super::snapshot::Phase::Ended)
            })
            .await;
        other.leave().await;
        leader.leave().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_is_in_the_wish_and_without_a_run_it_is_refused() {
        let world = World::new(63, |_| {});
        let seat = world.controller("a");
        seat.order(Command::Rate(Some(10.0))).await;
        seat.until("it is refused", MINUTE, |it| says(it, "no run whose rate")).await;
        seat.add(100, Duration::ZERO).await;
        let rate = |snapshot: &Snapshot| snapshot.run.as_ref().and_then(|run| run.rate);
        seat.order(Command::Rate(Some(500.0))).await;
        seat.until("it is set", MINUTE, |it| rate(it) == Some(500.0)).await;
        seat.order(Command::Rate(Some(0.0))).await;
        seat.until("zero is no rate", MINUTE, |it| says(it, "more than 0")).await;
        seat.order(Command::Rate(None)).await;
        seat.until("it is off", MINUTE, |it| {
            rate(it).is_none() && it.orders.unwritten == 0 && says(it, "the rate is off")
        })
        .await;
        seat.leave().await;
    }
}
