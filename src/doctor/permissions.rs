//! What those who steer runs may do, and what the tasks' role may.
//!
//! IAM is asked to simulate each action, with the very resources and conditions that the
//! least policies name. It looks at the policies of the principal; what a bucket's policy
//! or an organization says besides is not in its answer.

use std::collections::BTreeSet;

use futures_util::{FutureExt as _, future::join_all};

use super::{
    Finding, Subject,
    facts::Facts,
    finding::counted,
    policy::{self, Scope},
};
use crate::{
    cli::Document,
    cloud::{Ask, CloudError, ErrorKind, Who},
    config::Task,
};

const PERMISSIONS: &str = "permissions";
const TASK_ROLE: &str = "task role";

pub(super) async fn judge(subject: &Subject, facts: &Facts) -> Vec<Finding> {
    let who = match &facts.caller.who {
        Ok(who) => who,
        Err(_) => {
            let seen = "whose they would be is not known";
            return vec![Finding::unknown(PERMISSIONS, seen, "see identity")];
        }
    };
    let scope = scope(subject, facts, Some(who));
    let (operator, task) =
        tokio::join!(of_operator(subject, &scope, who), of_tasks(subject, &scope, facts));
    [operator].into_iter().chain(task).collect()
}

/// What is known of what permissions are about.
pub(super) fn scope(subject: &Subject, facts: &Facts, who: Option<&Who>) -> Scope {
    let names = subject.cloud.names();
    let (family, registers, roles) = match &subject.task {
        Task::Image(image) => {
            let roles = image.task_role.iter().chain(&image.execution_role).cloned().collect();
            (image.family.clone(), true, roles)
        }
        Task::Definition { name, .. } => {
            let definition = facts.definition.as_ref().ok();
            let roles = definition
                .iter()
                .flat_map(|it| it.task_role.iter().chain(&it.execution_role))
                .cloned()
                .collect();
            (family(name).to_owned(), false, roles)
        }
    };
    Scope {
        partition: subject.cloud.partition(),
        region: subject.cloud.region_name().to_owned(),
        account: who.map_or_else(|| "*".to_owned(), |who| who.account.clone()),
        cluster: names.cluster.clone(),
        group: names.capacity.group_name().map(str::to_owned),
        bucket: subject.bucket().map(str::to_owned),
        family,
        registers,
        roles,
    }
}

/// The family in a definition's name or ARN.
fn family(name: &str) -> &str {
    let name = name.rsplit('/').next().unwrap_or(name);
    name.split(':').next().unwrap_or(name)
}

async fn of_operator(subject: &Subject, scope: &Scope, who: &Who) -> Finding {
    let mut asks = policy::asks(scope, Document::Operator);
    if scope.roles.is_empty() {
        // Nobody passes what the definition does not name.
        asks.retain(|ask| !ask.actions.iter().any(|action| action == "iam:PassRole"));
    }
    let principals = who.principals(subject.cloud.region_name());
    let print = "`loadtop doctor --policy operator` prints what is needed";
    if principals.is_empty() {
        let seen = format!("{} has no policies of its own that could be asked about", who.arn);
        return Finding::unknown(PERMISSIONS, seen, print);
    }
    let name = |principal: &str| principal.rsplit('/').next().unwrap_or(principal).to_owned();
    let mut answer = None;
    for principal in &principals {
        let simulated = simulate(subject, principal, &asks).await;
        let is_another = matches!(&simulated, Err(error) if error.kind == ErrorKind::NotFound);
        answer = Some((principal, simulated));
        if !is_another {
            break;
        }
    }
    match answer {
        Some((principal, Ok(denied))) => told(PERMISSIONS, &name(principal), &asks, &denied, print),
        Some((_, Err(error))) => cannot_be_asked(PERMISSIONS, &error, print),
        None => Finding::unknown(PERMISSIONS, "nobody was asked", print),
    }
}

/// None where tasks call nothing of AWS, or have no role that could be asked about.
async fn of_tasks(subject: &Subject, scope: &Scope, facts: &Facts) -> Option<Finding> {
    let definition = facts.definition.as_ref().ok()?;
    let role = definition.task_role.as_deref()?;
    let watches =
        definition.containers.iter().any(|it| it.runs.iter().any(|word| word == "watchdog"));
    if !subject.runs_agent() && !watches {
        return None;
    }
    let mut asks = policy::asks(scope, Document::Task);
    if !subject.runs_agent() {
        // A watchdog only reads.
        for ask in &mut asks {
            ask.actions
                .retain(|action| ["s3:GetObject", "s3:ListBucket"].contains(&action.as_str()));
        }
        asks.retain(|ask| !ask.actions.is_empty());
    }
    let print = "`loadtop doctor --policy task` prints what is needed";
    let name = role.rsplit('/').next().unwrap_or(role);
    Some(match simulate(subject, role, &asks).await {
        Ok(denied) => told(TASK_ROLE, name, &asks, &denied, print),
        Err(error) if error.kind == ErrorKind::NotFound => {
            let seen = format!("there is no role {role}");
            Finding::fail(TASK_ROLE, seen, "make it (`aws iam create-role …`), or name another")
        }
        Err(error) => cannot_be_asked(TASK_ROLE, &error, print),
    })
}

/// The actions that are not allowed.
async fn simulate(
    subject: &Subject,
    principal: &str,
    asks: &[Ask],
) -> Result<BTreeSet<String>, CloudError> {
    let answers = asks.iter().map(|ask| subject.cloud.not_allowed(principal, ask).boxed());
    let mut denied = BTreeSet::new();
    for answer in join_all(answers).await {
        denied.extend(answer?);
    }
    Ok(denied)
}

fn told(
    check: &'static str,
    who: &str,
    asks: &[Ask],
    denied: &BTreeSet<String>,
    print: &str,
) -> Finding {
    if denied.is_empty() {
        let all: BTreeSet<&String> = asks.iter().flat_map(|ask| &ask.actions).collect();
        let seen =
            format!("{who} may do all that is needed: {}", counted(all.len() as u64, "action"));
        return Finding::pass(check, seen);
    }
    let denied: Vec<&str> = denied.iter().map(String::as_str).collect();
    let denied = denied.join(", ");
    Finding::fail(check, format!("{who} may not: {denied}"), format!("allow {denied}; {print}"))
}

fn cannot_be_asked(check: &'static str, error: &CloudError, print: &str) -> Finding {
    let todo = match error.kind {
        ErrorKind::Denied => {
            format!("allow iam:SimulatePrincipalPolicy to let it be asked; {print}")
        }
        _ => print.to_owned(),
    };
    Finding::unknown(check, format!("it cannot be asked: {error}"), todo)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_found_in_every_name() {
        for name in ["f", "f:7", "arn:aws:ecs:r:1:task-definition/f:7"] {
            assert_eq!(family(name), "f");
        }
    }
}
