//! The invariants of the crate docs that a look at the source can check.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// All source files below a module, with their code (comments and unit tests left out).
fn sources(module: &str) -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(module);
    let mut found = Vec::new();
    let mut folders = Vec::new();
    let file = root.with_extension("rs");
    if file.is_file() {
        found.push(file);
    }
    if root.is_dir() {
        folders.push(root);
    }
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "rs") {
                found.push(path);
            }
        }
    }
    assert!(!found.is_empty(), "{module} is gone");
    found
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
            let code = code.lines().filter(|line| !line.trim_start().starts_with("//"));
            let code = code.collect::<Vec<_>>().join("\n");
            (path, code)
        })
        .collect()
}

fn assert_free_of(modules: &[&str], words: &[&str], except: &[&str]) {
    for module in modules {
        for (path, code) in sources(module) {
            if except.iter().any(|it| path.ends_with(it)) {
                continue;
            }
            for word in words {
                assert!(!code.contains(word), "{} names {word}", path.display());
            }
        }
    }
}

#[test]
fn the_pure_parts_know_no_runtime_terminal_or_cloud() {
    assert_free_of(
        &[
            "model",
            "plan",
            "stats",
            "local/engine",
            "app/state",
            "app/action",
            "app/update",
            "app/effect",
            "app/dialog",
            "app/help",
            "app/keymap",
            "app/leave",
            "app/list",
            "app/look",
            "app/palette",
            "app/preview",
            "app/prompt",
            "app/scale",
            "app/stretch",
            "app/times",
            "app/typing",
            "app/view",
        ],
        &["tokio", "ratatui", "crossterm", "aws_", "SystemTime::now", "Instant::now", "new_v4"],
        &[],
    );
}

#[test]
fn only_the_cloud_seam_names_the_sdk() {
    assert_free_of(
        &["."],
        &["aws_sdk_", "aws_config"],
        &[
            "cloud/client.rs",
            "cloud/tags.rs",
            "cloud/definitions.rs",
            "cloud/ecs.rs",
            "cloud/ecs/launch.rs",
            "cloud/ecs/seen.rs",
            "cloud/autoscaling.rs",
            "cloud/cloudwatch.rs",
            "cloud/s3.rs",
            "cloud/tags.rs",
            "cloud/identity.rs",
            "cloud/preflight.rs",
            "local/tests/sdk.rs",
        ],
    );
}

#[test]
fn only_the_session_knows_that_the_cloud_is_local() {
    assert_free_of(
        &[
            "agent",
            "app",
            "cloud",
            "config",
            "controller",
            "follow",
            "headless",
            "model",
            "plan",
            "stats",
            "ui",
            "watchdog",
            "dashboard",
            "place",
            "runs",
            "verbs",
        ],
        &["crate::local", "LocalCloud"],
        &[],
    );
}

#[test]
fn one_module_touches_the_terminal() {
    assert_free_of(
        &["."],
        &[
            "enable_raw_mode",
            "EnterAlternateScreen",
            "EnableMouseCapture",
            "EnableBracketedPaste",
            "set_hook",
        ],
        &["ui/terminal.rs"],
    );
}

#[test]
fn who_confirms_is_known() {
    assert_free_of(
        &["."],
        &["Confirmed::By"],
        &[
            "app/dialog.rs",
            "app/keys.rs",
            "app/keys/every_row.rs",
            "app/leave.rs",
            "app/list/stop.rs",
            "app/list/tests.rs",
            "controller/advance.rs",
            "controller/cost.rs",
            "controller/end.rs",
            "controller/tasks.rs",
            "controller/tests/capacity.rs",
            "controller/tests/crash.rs",
            "controller/tests/policy.rs",
            "controller/tests/rows.rs",
            "headless.rs",
            "local/sim.rs",
            "model/confirmed.rs",
            "report/summary.rs",
            "verbs/killall.rs",
            "verbs/order.rs",
        ],
    );
}
