//! Lists and descriptions of clusters and tasks.
//!
//! Invariant: pages follow the order in which things came to be, and a token
//! names the last one given, so that none is seen twice or missed, whatever
//! happens between two pages.

use std::ops::Bound;

use super::{
    ApiError, Engine, Quota,
    api::{
        ClusterArns, ClusterView, Clusters, DescribeClusters, DescribeTasks, Failure, ListTasks,
        TaskArns, Tasks, Variable,
    },
    tasks::Task,
    validate::Kind,
};
use crate::model::Millis;

/// The most that a page or a description holds.
const MOST: usize = 100;

/// Which part of a list is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Page {
    size: usize,
    after: u64,
}

impl Page {
    pub(super) fn read(size: Option<i64>, token: Option<&str>) -> Result<Page, ApiError> {
        let size = size.map_or(Some(MOST), |size| usize::try_from(size).ok());
        let size = size
            .filter(|size| (1..=MOST).contains(size))
            .ok_or_else(|| ApiError::parameter("maxResults must be between 1 and 100."))?;
        let after = match token {
            None => 0,
            Some(token) => {
                let number = token.strip_prefix("after-").and_then(|number| number.parse().ok());
                number.ok_or_else(|| ApiError::parameter("Invalid token."))?
            }
        };
        Ok(Page { size, after })
    }

    /// The numbers that the page may have. Whoever looks at others as well looks at
    /// each row once for every page.
    pub(super) fn range(self) -> (Bound<u64>, Bound<u64>) {
        (Bound::Excluded(self.after), Bound::Unbounded)
    }

    /// Of rows that are numbered as they are counted, those from the page's range.
    pub(super) fn only(
        self,
        rows: impl Iterator<Item = (u64, String)>,
    ) -> impl Iterator<Item = (u64, String)> {
        rows.filter(move |&(number, _)| number > self.after)
    }

    /// The page, and the token of the next one if there is more. The rows come
    /// ascending by number, from the page's range.
    pub(super) fn cut(
        self,
        rows: impl Iterator<Item = (u64, String)>,
    ) -> (Vec<String>, Option<String>) {
        let mut rows = rows.peekable();
        let mut page = Vec::new();
        let mut last = self.after;
        for (number, row) in rows.by_ref().take(self.size) {
            page.push(row);
            last = number;
        }
        let token = rows.peek().map(|_| format!("after-{last}"));
        (page, token)
    }
}

/// Descriptions take so many names at once.
pub(super) fn at_most_100(names: &[String], what: &str) -> Result<(), ApiError> {
    match names.len() {
        0 => Err(ApiError::parameter(format!("{what} cannot be empty."))),
        1..=MOST => Ok(()),
        _ => Err(ApiError::parameter(format!("{what} can be at most 100."))),
    }
}

impl Engine {
    pub(crate) fn list_tasks(
        &mut self,
        request: &ListTasks,
        now: Millis,
    ) -> Result<TaskArns, ApiError> {
        self.admit_to(request.cluster.as_deref(), Quota::Look, now)?;
        let page = Page::read(request.max_results, request.next_token.as_deref())?;
        let others = [
            &request.container_instance,
            &request.family,
            &request.desired_status,
            &request.launch_type,
            &request.service_name,
        ];
        if request.started_by.is_some() && others.iter().any(|other| other.is_some()) {
            return Err(ApiError::parameter("cannot specify startedBy with other arguments"));
        }
        if request.service_name.is_some() {
            return Err(ApiError::new("ServiceNotFoundException", 400, "Service not found."));
        }
        let desired = request.desired_status.as_deref().unwrap_or("RUNNING");
        if !["RUNNING", "PENDING", "STOPPED"].contains(&desired) {
            return Err(ApiError::parameter("Invalid desiredStatus."));
        }
        let kinds = [None, Some("EC2"), Some("FARGATE"), Some("EXTERNAL")];
        if !kinds.contains(&request.launch_type.as_deref()) {
            return Err(ApiError::parameter("Invalid launchType."));
        }
        let instance = match &request.container_instance {
            None => None,
            Some(wanted) => {
                let id = self.identify(Kind::ContainerInstance, wanted)?;
                Some(self.find_instance(id).ok_or_else(|| {
                    ApiError::parameter("The referenced container instance was not found.")
                })?)
            }
        };
        let matching = self.tasks.range(page.range()).filter(|(_, task)| {
            task.desired_status() == desired
                && self.is_visible(task, now)
                && instance.is_none_or(|number| task.place.machine() == Some(number))
                && request.family.as_ref().is_none_or(|family| task.definition.family == *family)
                && (request.started_by.is_none() || task.started_by == request.started_by)
                && request
                    .launch_type
                    .as_deref()
                    .is_none_or(|kind| task.place.launch_type() == kind)
        });
        let arns = matching.map(|(&number, task)| (number, task.arn(&self.setup.name)));
        let (task_arns, next_token) = page.cut(arns);
        Ok(TaskArns { task_arns, next_token })
    }

    pub(crate) fn describe_tasks(
        &mut self,
        request: &DescribeTasks,
        now: Millis,
    ) -> Result<Tasks, ApiError> {
        self.admit_to(request.cluster.as_deref(), Quota::Look, now)?;
        at_most_100(&request.tasks, "Tasks")?;
        if request.include.iter().any(|field| field != "TAGS") {
            return Err(ApiError::parameter("include can only be TAGS."));
        }
        let with_tags = !request.include.is_empty();
        let mut answer = Tasks::default();
        for wanted in &request.tasks {
            let number = self.find_task(self.identify(Kind::Task, wanted)?);
            let found = number.and_then(|number| self.tasks.get(&number));
            match found.filter(|task| self.is_visible(task, now)) {
                Some(task) => answer.tasks.push(task.view(&self.setup.name, with_tags)),
                None => answer.failures.push(Failure::missing(wanted)),
            }
        }
        Ok(answer)
    }

    /// Whether word of a new task has spread. StopTask knows it at once: who has its
    /// ARN has it from where it is known.
    fn is_visible(&self, task: &Task, now: Millis) -> bool {
        now >= task.times.created + self.setup.lag
    }

    pub(crate) fn list_clusters(&mut self, now: Millis) -> Result<ClusterArns, ApiError> {
        self.admit(Quota::Clusters, now)?;
        Ok(ClusterArns { cluster_arns: vec![self.cluster_arn()] })
    }

    pub(crate) fn describe_clusters(
        &mut self,
        request: &DescribeClusters,
        now: Millis,
    ) -> Result<Clusters, ApiError> {
        self.admit(Quota::Clusters, now)?;
        let default = ["default".to_owned()];
        let wanted = if request.clusters.is_empty() { &default[..] } else { &request.clusters };
        if wanted.len() > MOST {
            return Err(ApiError::parameter("Clusters can be at most 100."));
        }
        let mut answer = Clusters::default();
        for wanted in wanted {
            if !self.is_cluster(wanted) {
                answer.failures.push(Failure::missing(wanted));
                continue;
            }
            let mut view = self.cluster_view();
            if request.include.iter().any(|field| field == "STATISTICS") {
                view.statistics = self.statistics();
            }
            answer.clusters.push(view);
        }
        Ok(answer)
    }

    fn cluster_view(&self) -> ClusterView {
        let registered = self.instances.values().filter(|instance| instance.is_registered());
        ClusterView {
            cluster_arn: self.cluster_arn(),
            cluster_name: self.setup.name.clone(),
            status: "ACTIVE",
            registered_container_instances_count: registered.count(),
            running_tasks_count: self.tasks.values().filter(|task| task.is_running()).count(),
            pending_tasks_count: self.tasks.values().filter(|task| task.is_pending()).count(),
            capacity_providers: self.provider_names().into_iter().map(str::to_owned).collect(),
            default_capacity_provider_strategy: self.default_strategy(),
            ..ClusterView::default()
        }
    }

    /// Tasks by what they are on.
    fn statistics(&self) -> Vec<Variable> {
        let count = |name: &str, kind: &str, counts: fn(&Task) -> bool| {
            let tasks = self.tasks.values();
            let counted = tasks.filter(|task| task.place.launch_type() == kind && counts(task));
            Variable { name: name.to_owned(), value: counted.count().to_string() }
        };
        vec![
            count("runningEC2TasksCount", "EC2", Task::is_running),
            count("runningFargateTasksCount", "FARGATE", Task::is_running),
            count("pendingEC2TasksCount", "EC2", Task::is_pending),
            count("pendingFargateTasksCount", "FARGATE", Task::is_pending),
        ]
    }
}
