//! The journal: every intent before its call, every outcome after it.
//!
//! One JSON line each in `journal.jsonl`. Invariant: when a call that starts, stops
//! or changes something leaves this machine, its intent is in the file.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::Path,
    sync::{Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};

use crate::model::Millis;

/// What is about to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "intent", rename_all_fields = "snake_case")]
pub enum Intent {
    /// Begin a run: write its plan and its first wish.
    BeginRun {
        /// Its id.
        run: String,
    },
    /// Write edits into the wish.
    PutWish {
        /// Ids of the edits, and what they change, for people.
        edits: Vec<String>,
    },
    /// Take the lead, or give it up. Renewals are not noted.
    PutLeader {
        /// Who leads from then on; none: nobody.
        owner: Option<String>,
        /// The term.
        term: u64,
    },
    /// Write a block of the slot table.
    PutSlots {
        /// Number of the block.
        block: u32,
    },
    /// Start a task.
    RunTask {
        /// Its slot.
        slot: u32,
        /// Its attempt.
        attempt: u32,
        /// Its idempotency token.
        token: String,
    },
    /// Stop a task.
    StopTask {
        /// Its ARN.
        task: String,
    },
    /// Set the number of instances.
    SetDesiredCapacity {
        /// To this many.
        instances: u32,
    },
    /// Keep tasks off a machine, or let them on it again.
    Cordon {
        /// Its id.
        machine: String,
        /// Whether to keep them off.
        draining: bool,
    },
    /// Terminate a machine, and lower the number.
    TerminateMachine {
        /// Its id.
        machine: String,
    },
    /// Write into the group's note until when the run needs it.
    ClaimGroup {
        /// The group.
        group: String,
        /// The end of the run's lease (the bucket's clock).
        until: Millis,
    },
    /// Move the group's switch.
    PutScheduledAction {
        /// To this time (AWS's clock).
        at: Millis,
    },
    /// Take the group's switch back.
    DeleteScheduledAction {
        /// When it would have fired.
        at: Millis,
    },
    /// Put back what the switch took from the group.
    SetLimits {
        /// Its least instances.
        min: u32,
        /// Its most instances.
        max: u32,
    },
    /// Write into the group's note that the run needs it no more.
    LeaveGroup {
        /// The group.
        group: String,
    },
    /// The run has ended, and that was checked: write its summary and its end.
    EndRun {
        /// Its id.
        run: String,
    },
}

/// Makes [`IntentKind`] from the names of all intents: one that is forgotten here does
/// not compile.
macro_rules! kinds {
    ($($kind:ident),+ $(,)?) => {
        /// What an [`Intent`] is about.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum IntentKind {
            $(#[doc = concat!("[`Intent::", stringify!($kind), "`].")] $kind,)+
        }

        impl IntentKind {
            /// All of them.
            pub const ALL: &[IntentKind] = &[$(IntentKind::$kind),+];
        }

        impl Intent {
            /// What it is about.
            #[must_use]
            pub fn kind(&self) -> IntentKind {
                match self {
                    $(Intent::$kind { .. } => IntentKind::$kind,)+
                }
            }
        }
    };
}

kinds!(
    BeginRun,
    PutWish,
    PutLeader,
    PutSlots,
    RunTask,
    StopTask,
    SetDesiredCapacity,
    Cordon,
    TerminateMachine,
    ClaimGroup,
    PutScheduledAction,
    DeleteScheduledAction,
    SetLimits,
    LeaveGroup,
    EndRun,
);

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When, in milliseconds since the Unix epoch by this machine's clock.
    pub at: Millis,
    /// Number of the intent.
    pub number: u64,
    /// What is about to be done.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub intent: Option<Intent>,
    /// What became of it: `ok`, with a detail, or the error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
}

/// The journal of one run.
#[derive(Debug)]
pub struct Journal {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    file: File,
    next: u64,
    trouble: Option<io::Error>,
}

impl Journal {
    /// Opens a run's journal, at its end.
    pub fn open(path: &Path) -> io::Result<Self> {
        // A crash may have left a torn last line; whoever comes back goes on after it.
        let before = std::fs::read(path).unwrap_or_default();
        let numbers = before.split(|byte| *byte == b'\n');
        let numbers = numbers.filter_map(|line| serde_json::from_slice::<Entry>(line).ok());
        let next = numbers.map(|entry| entry.number).max().unwrap_or(0) + 1;
        let mut file = OpenOptions::new().create(true).append(true).open(path)?;
        if before.last().is_some_and(|byte| *byte != b'\n') {
            file.write_all(b"\n")?;
        }
        Ok(Journal { inner: Mutex::new(Inner { file, next, trouble: None }) })
    }

    /// Notes what is about to be done; its number goes to [`Journal::outcome`].
    pub fn intent(&self, at: Millis, intent: Intent) -> u64 {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let number = inner.next;
        inner.next += 1;
        inner.write(&Entry { at, number, intent: Some(intent), outcome: None });
        number
    }

    /// Notes what became of it.
    pub fn outcome(&self, at: Millis, number: u64, outcome: impl Into<String>) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.write(&Entry { at, number, intent: None, outcome: Some(outcome.into()) });
    }

    /// The first trouble with writing since this was asked last.
    pub fn trouble(&self) -> Option<io::Error> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).trouble.take()
    }
}

impl Inner {
    fn write(&mut self, entry: &Entry) {
        let written = serde_json::to_vec(entry).map_err(io::Error::from).and_then(|mut line| {
            line.push(b'\n');
            // One write a line: a crash leaves at most the last one torn.
            self.file.write_all(&line)
        });
        if let Err(error) = written {
            self.trouble.get_or_insert(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intents_and_outcomes_are_read_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("journal.jsonl");
        let journal = Journal::open(&path).expect("opened");
        let intent = Intent::RunTask { slot: 3, attempt: 1, token: "t".into() };
        let number = journal.intent(5, intent.clone());
        journal.outcome(6, number, "ok arn");
        let text = std::fs::read_to_string(&path).expect("there");
        let entries: Vec<Entry> =
            text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(entries[0].intent, Some(intent));
        assert_eq!(entries[1].outcome.as_deref(), Some("ok arn"));
        assert_eq!(entries[0].number, entries[1].number);
        assert!(journal.trouble().is_none());
        // After a crash in the middle of a line the numbers go on.
        std::fs::write(&path, text + "{\"at\":7,\"numb").expect("torn");
        let journal = Journal::open(&path).expect("opened again");
        assert_eq!(journal.intent(8, Intent::BeginRun { run: "r".into() }), number + 1);
        let text = std::fs::read_to_string(&path).expect("there");
        assert!(text.lines().last().is_some_and(|line| line.starts_with("{\"at\":8")));
    }
}
