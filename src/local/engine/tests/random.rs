//! Whatever is asked and whatever happens, in any order.

use std::collections::HashMap;

use proptest::prelude::*;

use super::{
    super::{fargate::Market, tasks::Phase},
    group::SetDesiredCapacity,
    *,
};

#[derive(Debug, Clone)]
enum Step {
    Run { count: i64, token: Option<u8> },
    RunFargate { count: i64, spot: bool },
    Stop(prop::sample::Index),
    Scale(i64),
    Pass(Millis),
    Started(prop::sample::Index),
    NotStarted(prop::sample::Index),
    Exited(prop::sample::Index),
    LoseTask(prop::sample::Index),
    LoseInstance(prop::sample::Index),
}

fn step() -> impl Strategy<Value = Step> {
    let task = any::<prop::sample::Index>;
    prop_oneof![
        3 => (1..=4i64, prop::option::of(0..3u8)).prop_map(|(count, token)| Step::Run { count, token }),
        1 => (1..=4i64, any::<bool>()).prop_map(|(count, spot)| Step::RunFargate { count, spot }),
        2 => task().prop_map(Step::Stop),
        1 => (0..4i64).prop_map(Step::Scale),
        4 => (1..40_000u64).prop_map(Step::Pass),
        4 => task().prop_map(Step::Started),
        1 => task().prop_map(Step::NotStarted),
        2 => task().prop_map(Step::Exited),
        1 => task().prop_map(Step::LoseTask),
        1 => task().prop_map(Step::LoseInstance),
    ]
}

/// What a real machine would have: processes that were started, by task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Process {
    Wanted,
    Alive,
    Gone,
}

/// A process is started once, and signalled only while it lives.
fn follow(effects: &[Effect], processes: &mut HashMap<String, Process>) {
    for effect in effects {
        match effect {
            Effect::Start { task, .. } => {
                assert_eq!(processes.insert(task.clone(), Process::Wanted), None, "started twice");
            }
            Effect::Terminate { task } | Effect::Kill { task } => {
                assert_eq!(processes.get(task), Some(&Process::Alive), "signalled: {effect:?}");
            }
        }
    }
}

fn rank(status: &str) -> usize {
    let order = [
        "PROVISIONING",
        "PENDING",
        "RUNNING",
        "DEACTIVATING",
        "STOPPING",
        "DEPROVISIONING",
        "STOPPED",
    ];
    order.iter().position(|known| *known == status).expect("a status")
}

/// A step of the world outside, on one of the processes that are in this state.
fn happen(world: &mut World, processes: &mut HashMap<String, Process>, step: &Step) {
    let (state, index) = match step {
        Step::Started(index) | Step::NotStarted(index) => (Process::Wanted, index),
        Step::Exited(index) => (Process::Alive, index),
        _ => return,
    };
    let mut tasks: Vec<String> =
        processes.iter().filter(|(_, is)| **is == state).map(|(task, _)| task.clone()).collect();
    tasks.sort();
    if tasks.is_empty() {
        return;
    }
    let task = index.get(&tasks).clone();
    let (then, event) = match step {
        Step::Started(_) => (Process::Alive, Event::Started { task: task.clone() }),
        Step::Exited(_) => {
            (Process::Gone, Event::Exited { task: task.clone(), exit: Exit::Code(0) })
        }
        _ => (Process::Gone, Event::NotStarted { task: task.clone(), reason: String::new() }),
    };
    processes.insert(task, then);
    world.tell(event);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn tasks_move_forward_and_room_adds_up(steps in prop::collection::vec(step(), 1..60)) {
        let mut world = World::new(2);
        let mut processes = HashMap::new();
        let mut arns: Vec<String> = Vec::new();
        let mut ranks: HashMap<String, usize> = HashMap::new();
        for step in &steps {
            match step {
                Step::Run { count, token } => {
                    let client_token = token.map(|token| format!("{token}"));
                    let request = RunTask { count: Some(*count), client_token, ..request() };
                    if let Ok(answer) = world.engine.run_task(request, world.now) {
                        arns.extend(answer.tasks.into_iter().map(|task| task.task_arn));
                        arns.sort();
                        arns.dedup();
                    }
                }
                Step::RunFargate { count, spot } => {
                    let provider = if *spot { "FARGATE_SPOT" } else { "FARGATE" };
                    let request = RunTask { count: Some(*count), ..fargate::by(&[provider]) };
                    if let Ok(answer) = world.engine.run_task(request, world.now) {
                        arns.extend(answer.tasks.into_iter().map(|task| task.task_arn));
                        arns.sort();
                    }
                }
                Step::Stop(index) if !arns.is_empty() => { world.stop(&index.get(&arns).clone()); }
                Step::Scale(desired) => {
                    let request = SetDesiredCapacity { group: "loadtop".to_owned(), desired: *desired };
                    world.engine.set_desired_capacity(&request, world.now).expect("within the limits");
                }
                Step::Pass(span) => world.pass(*span),
                Step::LoseTask(index) if !arns.is_empty() => { world.engine.lose_task(index.get(&arns).as_str()); }
                Step::LoseInstance(index) => {
                    let machines: Vec<_> = world.engine.instances.values().map(|it| it.machine.clone()).collect();
                    if !machines.is_empty() {
                        world.engine.lose_instance(index.get(&machines).as_str(), world.now);
                    }
                }
                _ => happen(&mut world, &mut processes, step),
            }
            world.pass(0);
            follow(&std::mem::take(&mut world.effects), &mut processes);
            // The throttle is not what this is about.
            world.now += 1000;
            let tasks = if arns.is_empty() { Vec::new() } else { world.describe(&arns[..arns.len().min(100)]).tasks };
            for task in &tasks {
                let rank = rank(task.last_status);
                let before = ranks.insert(task.task_arn.clone(), rank).unwrap_or(0);
                prop_assert!(before <= rank, "went back: {task:?}");
                let process = processes.get(&id(&task.task_arn));
                prop_assert!(task.last_status != "STOPPED" || process != Some(&Process::Alive));
            }
            let mut used = world.engine.fargate;
            for (provider, market) in [("FARGATE", Market::OnDemand), ("FARGATE_SPOT", Market::Spot)] {
                let here = world.engine.tasks.values().filter(|it| it.provider == Some(provider) && it.phase < Phase::Stopped);
                prop_assert_eq!(*used.of(market), here.map(|it| it.cpu).sum::<i32>());
                prop_assert!(*used.of(market) <= 64 * 1024);
            }
            for instance in world.instances() {
                let here = tasks.iter().filter(|task| {
                    task.container_instance_arn.as_ref() == Some(&instance.container_instance_arn) && task.last_status != "STOPPED"
                });
                let taken = here.map(|_| 512).sum::<i32>();
                prop_assert_eq!(instance.remaining_resources[0].integer_value, 2048 - taken);
                prop_assert!(taken <= 2048);
            }
        }
    }
}
