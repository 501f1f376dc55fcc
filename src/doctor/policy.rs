//! The least policies: what operators and tasks must be allowed, as IAM has it, made from
//! the table of calls ([`crate::cloud::calls`]).
//!
//! Which resource an action takes, and which keys its conditions may have, is AWS's
//! service authorization reference. Three things there are not obvious. ListTasks is
//! about container instances, also when none is named, so that only the cluster bounds
//! it. Tagging what is being created is a permission of its own, for which
//! `ecs:CreateAction` says by what. And `s3:ListBucket` is also what turns a missing
//! object from a refusal into a 404; such a read has no `s3:prefix`, so that the
//! condition holds where there is none (`IfExists`).
//!
//! Invariant: a permission is in the operator's document if an operator's call needs it,
//! in the task's if a task's call does, in both if both do.

use serde_json::{Map, Value, json};

use crate::{
    cli::Document,
    cloud::{
        Ask,
        calls::{self, About, By, Call, Service},
    },
};

/// The version of the language, not of the document.
const VERSION: &str = "2012-10-17";
/// Where loadtop's objects are.
const PREFIX: &str = "loadtop/";
/// Whose metrics agents write.
const NAMESPACE: &str = "loadtop";
/// Who takes the roles of tasks.
const TASKS: &str = "ecs-tasks.amazonaws.com";
/// Anything.
const ANY: &str = "*";

/// What permissions are about, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: &'static str,
    /// The region; `*`: any.
    pub region: String,
    /// The account; `*`: any.
    pub account: String,
    /// The cluster; `*`: any.
    pub cluster: String,
    /// The group; none: there are no instances.
    pub group: Option<String>,
    /// The bucket; none: runs have none.
    pub bucket: Option<String>,
    /// The family of the task definition; `*`: any.
    pub family: String,
    /// Whether revisions of it are registered.
    pub registers: bool,
    /// The roles that tasks are given; empty: any.
    pub roles: Vec<String>,
}

impl Default for Scope {
    /// Anything anywhere, and all kinds of it.
    fn default() -> Self {
        let any = || ANY.to_owned();
        Scope {
            partition: "aws",
            region: any(),
            account: any(),
            cluster: any(),
            group: Some(any()),
            bucket: Some(any()),
            family: any(),
            registers: true,
            roles: Vec::new(),
        }
    }
}

/// One statement: actions that are about the same, under the same conditions.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Statement {
    sid: &'static str,
    actions: Vec<&'static str>,
    resources: Vec<String>,
    conditions: Vec<Condition>,
}

/// Operator, key and value.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Condition(&'static str, &'static str, String);

/// A document as IAM takes it.
#[must_use]
pub fn document(scope: &Scope, of: Document) -> Value {
    let statements =
        statements(scope, |by| is_of(by, of) || by == By::Doctor && of == Document::Operator);
    let statements: Vec<Value> = statements.iter().map(Statement::to_json).collect();
    json!({ "Version": VERSION, "Statement": statements })
}

/// What is to be asked to know whether somebody has all that such a document grants; not
/// what only `loadtop doctor` could use.
#[must_use]
pub fn asks(scope: &Scope, of: Document) -> Vec<Ask> {
    let statements = statements(scope, |by| is_of(by, of));
    statements.iter().flat_map(Statement::asks).collect()
}

fn is_of(by: By, of: Document) -> bool {
    match of {
        Document::Operator => matches!(by, By::Operator | By::Both),
        Document::Task => matches!(by, By::Task | By::Both),
    }
}

fn statements(scope: &Scope, wanted: impl Fn(By) -> bool) -> Vec<Statement> {
    let mut statements: Vec<Statement> = Vec::new();
    let calls = calls::ALL.iter().filter(|call| wanted(call.by) && scope.has(call));
    for (call, (permission, about)) in
        calls.flat_map(|call| call.needs.iter().map(move |need| (call, *need)))
    {
        let statement = scope.statement(call, permission, about);
        match statements.iter_mut().find(|it| it.sid == statement.sid) {
            Some(same) if !same.actions.contains(&permission) => same.actions.push(permission),
            Some(_) => {}
            None => statements.push(statement),
        }
    }
    statements
}

impl Scope {
    /// Whether a call is made at all.
    fn has(&self, call: &Call) -> bool {
        let about_instances = call.service == Service::AutoScaling
            || *call == calls::LIST_INSTANCES
            || call.needs.iter().any(|(_, about)| *about == About::Instances);
        (self.group.is_some() || !about_instances)
            && (self.bucket.is_some() || call.service != Service::S3)
            && (self.registers || *call != calls::REGISTER)
    }

    /// A statement with this permission alone; what has the same name is the same but for
    /// the actions.
    fn statement(&self, call: &Call, permission: &'static str, about: About) -> Statement {
        let (sid, resources, conditions) = match (permission, about) {
            ("iam:PassRole", _) => {
                let roles = self.roles.clone();
                let any = vec![format!("arn:{}:iam::{}:role/*", self.partition, self.account)];
                let to_tasks = Condition("StringEquals", "iam:PassedToService", TASKS.to_owned());
                ("PassRoles", if roles.is_empty() { any } else { roles }, vec![to_tasks])
            }
            ("ecs:RunTask", _) => ("StartTasks", vec![self.definition()], vec![self.in_cluster()]),
            ("ecs:ListTasks", _) => ("ListTasks", vec![ANY.to_owned()], vec![self.in_cluster()]),
            ("ecs:TagResource", About::Definition) => {
                ("TagDefinitions", vec![self.definition()], vec![created_by(call)])
            }
            ("ecs:TagResource", _) => ("TagTasks", vec![self.tasks()], vec![created_by(call)]),
            (_, About::Cluster) => ("Cluster", vec![self.cluster_arn()], Vec::new()),
            (_, About::Tasks) => ("Tasks", vec![self.tasks()], Vec::new()),
            (_, About::Instances) => {
                let instances = format!("container-instance/{}/*", self.cluster);
                ("Instances", vec![self.ecs(&instances)], Vec::new())
            }
            (_, About::Definition) => ("Definitions", vec![self.definition()], Vec::new()),
            (_, About::Group) => ("Group", vec![self.group_arn(ANY)], Vec::new()),
            (_, About::Bucket) => {
                let below = format!("{PREFIX}*");
                let condition = Condition("StringLikeIfExists", "s3:prefix", below);
                ("Bucket", vec![self.bucket_arn("")], vec![condition])
            }
            (_, About::Objects) => {
                ("Objects", vec![self.bucket_arn(&format!("/{PREFIX}*"))], Vec::new())
            }
            (_, About::Namespace) => {
                let ours = Condition("StringEquals", "cloudwatch:namespace", NAMESPACE.to_owned());
                ("Metrics", vec![ANY.to_owned()], vec![ours])
            }
            (_, About::Everything) if call.by == By::Doctor => {
                ("Doctor", vec![ANY.to_owned()], Vec::new())
            }
            (_, About::Everything) => ("Look", vec![ANY.to_owned()], Vec::new()),
        };
        Statement { sid, actions: vec![permission], resources, conditions }
    }

    fn ecs(&self, resource: &str) -> String {
        format!("arn:{}:ecs:{}:{}:{resource}", self.partition, self.region, self.account)
    }

    fn cluster_arn(&self) -> String {
        self.ecs(&format!("cluster/{}", self.cluster))
    }

    fn in_cluster(&self) -> Condition {
        Condition("ArnLike", "ecs:cluster", self.cluster_arn())
    }

    fn tasks(&self) -> String {
        self.ecs(&format!("task/{}/*", self.cluster))
    }

    fn definition(&self) -> String {
        self.ecs(&format!("task-definition/{}:*", self.family))
    }

    fn group_arn(&self, id: &str) -> String {
        let group = self.group.as_deref().unwrap_or(ANY);
        format!(
            "arn:{}:autoscaling:{}:{}:autoScalingGroup:{id}:autoScalingGroupName/{group}",
            self.partition, self.region, self.account
        )
    }

    fn bucket_arn(&self, below: &str) -> String {
        format!("arn:{}:s3:::{}{below}", self.partition, self.bucket.as_deref().unwrap_or(ANY))
    }
}

fn created_by(call: &Call) -> Condition {
    Condition("StringEquals", "ecs:CreateAction", call.operation.to_owned())
}

impl Statement {
    fn to_json(&self) -> Value {
        let mut conditions = Map::new();
        for Condition(operator, key, value) in &self.conditions {
            conditions.insert((*operator).to_owned(), json!({ *key: value }));
        }
        let mut statement = json!({
            "Sid": self.sid,
            "Effect": "Allow",
            "Action": self.actions,
            "Resource": self.resources,
        });
        if !conditions.is_empty() {
            statement["Condition"] = Value::Object(conditions);
        }
        statement
    }

    /// One for each resource, with an example of what a pattern stands for.
    fn asks(&self) -> Vec<Ask> {
        let example = |pattern: &str| match pattern {
            ANY => ANY.to_owned(),
            _ => pattern
                .replace("task-definition/*", "task-definition/loadtop")
                .replace("Group:*:", "Group:00000000-0000-4000-8000-000000000000:")
                .replace(":role/*", ":role/loadtop")
                .replace("/loadtop/*", "/loadtop/doctor/probe")
                .replace(":*", ":1")
                .replace("/*", "/00000000000000000000000000000000"),
        };
        let context: Vec<(&'static str, String)> = self
            .conditions
            .iter()
            .map(|Condition(_, key, value)| (*key, value.trim_end_matches(ANY).to_owned()))
            .collect();
        let ask = |resource: &String| Ask {
            actions: self.actions.iter().map(|action| (*action).to_owned()).collect(),
            resource: example(resource),
            context: context.clone(),
        };
        self.resources.iter().map(ask).collect()
    }
}
