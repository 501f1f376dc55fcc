//! What a task definition is refused for.
//!
//! Invariant: who registers one is told with ECS's code, and where they are known in its
//! words.

use super::{
    super::{
        ApiError,
        api::{ContainerDefinition, RegisterTaskDefinition, TaskDefinition},
        fargate,
        validate::check_tags,
    },
    LEAST_MEMORY,
};

/// Containers of a definition.
const MOST_CONTAINERS: usize = 10;
/// Bytes of a definition as it is described.
const MOST_BYTES: usize = 64 << 10;
/// Seconds that a container may be given to end.
const LEAST_STOP_TIMEOUT_S: u32 = 2;
const MOST_STOP_TIMEOUT_S: u32 = 120;

/// What a definition says of a task as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Checked {
    /// CPU units.
    pub(super) cpu: Option<i32>,
    /// MiB.
    pub(super) memory: Option<i32>,
}

pub(super) fn check(request: &RegisterTaskDefinition) -> Result<Checked, ApiError> {
    if request.family.is_empty() {
        return Err(ApiError::client("Family should not be null or empty."));
    }
    if !is_a_name(&request.family) {
        return Err(ApiError::client("Family contains invalid characters."));
    }
    check_tags(&request.tags)?;
    let cpu = cpu_units(request.cpu.as_deref())?;
    let memory = mebibytes(request.memory.as_deref())?;
    check_containers(&request.container_definitions, memory)?;
    let modes = ["bridge", "host", "awsvpc", "none"];
    if request.network_mode.as_deref().is_some_and(|mode| !modes.contains(&mode)) {
        return Err(ApiError::client("Invalid network mode."));
    }
    for named in &request.requires_compatibilities {
        if !["EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES"].contains(&named.as_str()) {
            return Err(ApiError::client(format!("Invalid compatibility: {named}")));
        }
    }
    if request.requires_compatibilities.iter().any(|it| it == "FARGATE") {
        check_fargate(request, cpu, memory)?;
    }
    let sum: i32 = request.container_definitions.iter().map(|it| it.cpu).sum();
    if cpu.is_some_and(|cpu| sum > cpu) {
        return Err(ApiError::client("The containers' 'cpu' is more than the task's."));
    }
    Ok(Checked { cpu, memory })
}

/// Whether it is as short as it must be.
pub(super) fn check_length(described: &TaskDefinition) -> Result<(), ApiError> {
    let length = serde_json::to_vec(described).map_or(usize::MAX, |json| json.len());
    if length <= MOST_BYTES {
        return Ok(());
    }
    Err(ApiError::client(format!(
        "Actual length: '{length}'. Max allowed length is '{MOST_BYTES}' bytes."
    )))
}

fn check_containers(
    containers: &[ContainerDefinition],
    task_memory: Option<i32>,
) -> Result<(), ApiError> {
    match containers.len() {
        0 => return Err(ApiError::client("Container list cannot be empty.")),
        1..=MOST_CONTAINERS => {}
        _ => return Err(ApiError::client("Too many containers.")),
    }
    for (at, container) in containers.iter().enumerate() {
        let name = &container.name;
        if name.is_empty() {
            return Err(ApiError::client("Container.name should not be null or empty."));
        }
        if !is_a_name(name) {
            return Err(ApiError::client("Container.name contains invalid characters."));
        }
        if containers[..at].iter().any(|other| other.name == *name) {
            return Err(ApiError::client(
                "Container names must be unique within a Task Definition.",
            ));
        }
        check_container(container, task_memory)?;
    }
    if containers.iter().any(ContainerDefinition::is_essential) {
        return Ok(());
    }
    Err(ApiError::client("Task definition does not have any essential container."))
}

fn check_container(
    container: &ContainerDefinition,
    task_memory: Option<i32>,
) -> Result<(), ApiError> {
    let invalid = |why: &str| {
        let name = &container.name;
        ApiError::client(format!("Invalid setting for container '{name}'. {why}"))
    };
    if container.image.is_empty() {
        return Err(ApiError::client("Container.image should not be null or empty."));
    }
    let (memory, reserved) = (container.memory, container.memory_reservation);
    if task_memory.or(memory).or(reserved).is_none() {
        return Err(invalid("At least one of 'memory' or 'memoryReservation' must be specified."));
    }
    if memory.zip(reserved).is_some_and(|(memory, reserved)| memory < reserved) {
        return Err(invalid("'memory' must be greater than or equal to 'memoryReservation'."));
    }
    if [memory, reserved].into_iter().flatten().any(|it| it < LEAST_MEMORY) {
        return Err(invalid("'memory' must be at least 4."));
    }
    if memory.zip(task_memory).is_some_and(|(memory, of_task)| memory > of_task) {
        return Err(invalid("'memory' must not be greater than the task's."));
    }
    if container.cpu < 0 {
        return Err(invalid("'cpu' must not be negative."));
    }
    if container.stop_timeout.is_some_and(|it| it < LEAST_STOP_TIMEOUT_S) {
        let name = &container.name;
        return Err(ApiError::client(format!(
            "Granular stop timeout on container '{name}' must be at least {LEAST_STOP_TIMEOUT_S} seconds."
        )));
    }
    Ok(())
}

fn check_fargate(
    request: &RegisterTaskDefinition,
    cpu: Option<i32>,
    memory: Option<i32>,
) -> Result<(), ApiError> {
    if request.network_mode.as_deref() != Some("awsvpc") {
        return Err(ApiError::client("Fargate only supports network mode ‘awsvpc’."));
    }
    let missing = |what: &str| {
        ApiError::client(format!("Fargate requires that '{what}' be defined at the task level."))
    };
    let cpu = cpu.ok_or_else(|| missing("cpu"))?;
    let memory = memory.ok_or_else(|| missing("memory"))?;
    fargate::check_size(cpu, memory)?;
    let timeouts = request.container_definitions.iter().filter_map(|it| it.stop_timeout);
    if timeouts.max().is_some_and(|longest| longest > MOST_STOP_TIMEOUT_S) {
        return Err(ApiError::client(
            "Tasks using the Fargate launch type must have a container stop timeout of less than 120 seconds.",
        ));
    }
    Ok(())
}

fn is_a_name(name: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    !name.is_empty() && name.len() <= 255 && name.chars().all(is_allowed)
}

/// A task's `cpu`: units (`1024`) or vCPUs (`1 vCPU`).
pub(super) fn cpu_units(text: Option<&str>) -> Result<Option<i32>, ApiError> {
    amount(text, "cpu", &["vcpus", "vcpu"])
}

/// A task's `memory`: MiB (`1024`) or GB (`1 GB`).
pub(super) fn mebibytes(text: Option<&str>) -> Result<Option<i32>, ApiError> {
    amount(text, "memory", &["gb"])
}

/// A number, or 1024 times a number with one of these units.
fn amount(text: Option<&str>, what: &str, units: &[&str]) -> Result<Option<i32>, ApiError> {
    let Some(text) = text else { return Ok(None) };
    let lower = text.trim().to_lowercase();
    let (number, scale) = match units.iter().find_map(|unit| lower.strip_suffix(unit)) {
        Some(number) => (number.trim(), 1024.0),
        None => (lower.as_str(), 1.0),
    };
    let amount = number.parse::<f64>().ok().map(|number| number * scale);
    let amount = amount.filter(|it| it.fract() == 0.0 && (1.0..=f64::from(i32::MAX)).contains(it));
    match amount {
        Some(amount) => Ok(Some(amount as i32)),
        None => Err(ApiError::client(format!("Invalid '{what}' setting for task."))),
    }
}
