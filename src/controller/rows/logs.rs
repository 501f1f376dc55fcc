//! The command that shows what a task wrote.
//!
//! Invariant: it can be pasted into a shell as it is; where there is no log, there is no
//! command.

use std::path::PathBuf;

use crate::cloud::types::LogStream;

/// Where tasks' logs are.
pub(super) struct Logs {
    /// The folder that they are files of.
    pub(super) folder: Option<PathBuf>,
    /// Where in CloudWatch Logs, by container and region.
    pub(super) stream: Option<(LogStream, String, String)>,
}

impl Logs {
    /// The command that shows a task's log.
    pub(super) fn command(&self, name: &str, id: &str) -> Option<String> {
        if let Some(folder) = &self.folder {
            let file = folder.join(format!("{name}.log"));
            return Some(format!("cat {}", quoted(&file.display().to_string())));
        }
        let (LogStream { group, prefix, region }, container, ours) = self.stream.as_ref()?;
        let stream = format!("{prefix}/{container}/{id}");
        // Without a beginning, the command shows ten minutes only.
        Some(format!(
            "aws logs tail {} --log-stream-names {} --since 1d --region {}",
            quoted(group),
            quoted(&stream),
            region.as_ref().unwrap_or(ours)
        ))
    }
}

/// A word for a shell.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_that_shows_a_log_can_be_pasted() {
        let folder = Some(PathBuf::from("/home/it's me/runs/r/tasks"));
        let file = Logs { folder, stream: None };
        let command = file.command("00003-1", "abc").expect("a command");
        assert_eq!(command, r"cat '/home/it'\''s me/runs/r/tasks/00003-1.log'");
        let stream = LogStream { group: "/ecs/x".into(), prefix: "p".into(), region: None };
        let there = Some((stream, "agent".to_owned(), "eu-west-1".to_owned()));
        let command = Logs { folder: None, stream: there }.command("00003-1", "abc");
        assert_eq!(
            command.as_deref(),
            Some(
                "aws logs tail /ecs/x --log-stream-names p/agent/abc --since 1d --region eu-west-1"
            )
        );
        assert_eq!(Logs { folder: None, stream: None }.command("00003-1", "abc"), None);
    }
}
