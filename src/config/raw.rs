//! The first stage: `loadtop.toml` as it was written, each key of the right kind.
//!
//! Invariant: this is the one place that names the keys. What is in none of these fields
//! is refused as unknown.

use std::collections::BTreeMap;

use super::{
    document::{At, Document, Problems},
    screen,
};

/// All that a file may say.
#[derive(Debug, Default)]
pub(super) struct Raw {
    pub(super) region: Option<At<String>>,
    pub(super) regions: Option<At<Vec<At<String>>>>,
    pub(super) profile: Option<At<String>>,
    pub(super) cluster: Option<At<String>>,
    pub(super) bucket: Option<At<String>>,
    pub(super) capacity: Capacity,
    pub(super) task: Task,
    pub(super) lease: Option<At<String>>,
    pub(super) budget: Option<At<f64>>,
    pub(super) tags: BTreeMap<String, At<String>>,
    pub(super) prices: BTreeMap<String, At<f64>>,
    pub(super) ui: Ui,
    pub(super) keys: Vec<Keys>,
}

/// `[ui]`
#[derive(Debug, Default)]
pub(super) struct Ui {
    pub(super) theme: Option<At<String>>,
    pub(super) ascii: Option<At<bool>>,
}

/// A key of `[keys]`: the name of a row, and the keys that are chosen for it.
pub(super) type Keys = (&'static str, At<Vec<At<String>>>);

/// `[capacity]`
#[derive(Debug, Default)]
pub(super) struct Capacity {
    pub(super) group: Option<At<String>>,
    pub(super) own: Option<At<bool>>,
    pub(super) fargate: Option<At<String>>,
    pub(super) subnets: Option<At<Vec<At<String>>>>,
    pub(super) security_groups: Option<At<Vec<At<String>>>>,
    pub(super) public_address: Option<At<bool>>,
}

/// `[task]`
#[derive(Debug, Default)]
#[allow(clippy::struct_field_names, reason = "each is its key")]
pub(super) struct Task {
    pub(super) definition: Option<At<String>>,
    pub(super) container: Option<At<String>>,
    pub(super) image: Option<At<String>>,
    pub(super) cpu: Option<At<i64>>,
    pub(super) memory: Option<At<i64>>,
    pub(super) family: Option<At<String>>,
    pub(super) watchdog_image: Option<At<String>>,
    pub(super) task_role: Option<At<String>>,
    pub(super) execution_role: Option<At<String>>,
    pub(super) log_group: Option<At<String>>,
    pub(super) stop_timeout: Option<At<String>>,
    pub(super) agent: Option<At<bool>>,
    pub(super) identity: Option<At<String>>,
    pub(super) devices: Option<At<i64>>,
}

impl Raw {
    /// What a document says.
    pub(super) fn read(document: &mut Document<'_>, problems: &mut Problems) -> Self {
        let it = document;
        let all = problems;
        let raw = Raw {
            region: it.text("", "region", all),
            regions: it.texts("", "regions", all),
            profile: it.text("", "profile", all),
            cluster: it.text("", "cluster", all),
            bucket: it.text("", "bucket", all),
            capacity: Capacity {
                group: it.text("capacity", "group", all),
                own: it.flag("capacity", "own", all),
                fargate: it.text("capacity", "fargate", all),
                subnets: it.texts("capacity", "subnets", all),
                security_groups: it.texts("capacity", "security-groups", all),
                public_address: it.flag("capacity", "public-address", all),
            },
            task: Task {
                definition: it.text("task", "definition", all),
                container: it.text("task", "container", all),
                image: it.text("task", "image", all),
                cpu: it.whole("task", "cpu", all),
                memory: it.whole("task", "memory", all),
                family: it.text("task", "family", all),
                watchdog_image: it.text("task", "watchdog-image", all),
                task_role: it.text("task", "task-role", all),
                execution_role: it.text("task", "execution-role", all),
                log_group: it.text("task", "log-group", all),
                stop_timeout: it.time("task", "stop-timeout", all),
                agent: it.flag("task", "agent", all),
                identity: it.text("task", "identity", all),
                devices: it.whole("task", "devices", all),
            },
            lease: it.time("run", "lease", all),
            budget: it.number("run", "budget", all),
            tags: it.free_texts("tags", all),
            prices: it.free_numbers("prices", all),
            ui: Ui { theme: it.text("ui", "theme", all), ascii: it.flag("ui", "ascii", all) },
            keys: screen::names()
                .filter_map(|name| Some((name, it.texts("keys", name, all)?)))
                .collect(),
        };
        it.refuse_the_rest(all);
        raw
    }
}

/// All keys that there are; those of a table with any keys as `table.*`.
#[cfg(test)]
pub(super) fn keys() -> Vec<String> {
    let mut problems = Problems::default();
    let mut empty = Document::parse("", &mut problems).expect("an empty document");
    let _ = Raw::read(&mut empty, &mut problems);
    empty.keys()
}
