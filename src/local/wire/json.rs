//! AWS JSON 1.1: ECS.

use std::sync::Arc;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

use super::{Answer, Call, reply, text};
use crate::{
    local::{
        engine::{ApiError, Engine},
        shell::Shell,
    },
    model::Millis,
};

/// What ECS's operations are called after.
const PREFIX: &str = "AmazonEC2ContainerServiceV20141113.";
const KIND: &str = "application/x-amz-json-1.1";

pub(super) fn answer(shell: &Arc<Shell>, call: &Call) -> Result<Answer, ApiError> {
    let body = &call.body[..];
    match operation(call) {
        "RunTask" => run(shell, body, Engine::run_task),
        "StopTask" => run(shell, body, Engine::stop_task),
        "ListTasks" => look(shell, body, Engine::list_tasks),
        "DescribeTasks" => look(shell, body, Engine::describe_tasks),
        "ListContainerInstances" => look(shell, body, Engine::list_container_instances),
        "DescribeContainerInstances" => look(shell, body, Engine::describe_container_instances),
        "UpdateContainerInstancesState" => {
            look(shell, body, Engine::update_container_instances_state)
        }
        "RegisterTaskDefinition" => run(shell, body, Engine::register_task_definition),
        "DescribeTaskDefinition" => look(shell, body, Engine::describe_task_definition),
        "DeregisterTaskDefinition" => look(shell, body, Engine::deregister_task_definition),
        "ListTaskDefinitions" => look(shell, body, Engine::list_task_definitions),
        "DescribeCapacityProviders" => look(shell, body, Engine::describe_capacity_providers),
        "TagResource" => look(shell, body, Engine::tag_resource),
        "ListTagsForResource" => look(shell, body, Engine::list_tags_for_resource),
        "DescribeClusters" => look(shell, body, Engine::describe_clusters),
        "ListClusters" => {
            run(shell, body, |engine: &mut Engine, _: Nothing, now| engine.list_clusters(now))
        }
        other => Err(ApiError::new(
            "UnknownOperationException",
            400,
            format!("The local cloud does not know the operation '{other}'."),
        )),
    }
}

/// What is asked for; empty if that is nothing of ECS's.
pub(super) fn operation(call: &Call) -> &str {
    let target = text(&call.parts.headers, "x-amz-target").unwrap_or_default();
    target.strip_prefix(PREFIX).unwrap_or_default()
}

pub(super) fn refuse(error: &ApiError) -> Answer {
    let mut body = json!({ "__type": error.code, "message": error.message });
    if !error.resource_ids.is_empty() {
        body["resourceIds"] = json!(error.resource_ids);
    }
    reply(error.status, KIND, body.to_string())
}

/// A request whose fields do not matter.
#[derive(serde::Deserialize)]
struct Nothing {}

fn run<Q: DeserializeOwned, A: Serialize>(
    shell: &Arc<Shell>,
    body: &[u8],
    operation: impl FnOnce(&mut Engine, Q, Millis) -> Result<A, ApiError>,
) -> Result<Answer, ApiError> {
    let request = serde_json::from_slice(body)
        .map_err(|error| ApiError::new("SerializationException", 400, error.to_string()))?;
    let answer = shell.engine(|engine, now| operation(engine, request, now))?;
    let body = serde_json::to_vec(&answer)
        .map_err(|error| ApiError::new("ServerException", 500, error.to_string()))?;
    Ok(reply(200, KIND, body))
}

/// The same for operations that only read their request.
fn look<Q: DeserializeOwned, A: Serialize>(
    shell: &Arc<Shell>,
    body: &[u8],
    operation: impl FnOnce(&mut Engine, &Q, Millis) -> Result<A, ApiError>,
) -> Result<Answer, ApiError> {
    run(shell, body, |engine, request: Q, now| operation(engine, &request, now))
}
