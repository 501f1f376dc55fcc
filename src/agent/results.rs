//! Exact results on their way to the bucket, part by part.
//!
//! Invariant: a part leaves memory when it is written, and its number is never used
//! again. What cannot be written waits, up to a bound; then the oldest goes, and
//! that is said.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::Rc,
    time::Duration,
};

use bytes::Bytes;
use tokio::{sync::Notify, time::sleep};

use super::{backoff::Backoff, say};
use crate::{
    follow::{Random, Station},
    model::Millis,
    stats::{Interval, Part},
};

/// So many bytes of parts may wait to be written.
const WAITING_MOST: usize = 64 << 20;
/// The longest pause before a part is tried again.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The part that is being filled, and those that wait to be written.
#[derive(Debug)]
pub(super) struct Results {
    filling: Part,
    outbox: Rc<Outbox>,
}

/// Encoded parts that wait to be written, oldest first.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    parts: RefCell<VecDeque<(String, Bytes)>>,
    bytes: Cell<usize>,
    filled: Notify,
    emptied: Notify,
}

impl Results {
    /// Results of this task.
    pub(super) fn new(task: &str, outbox: Rc<Outbox>) -> Self {
        let filling = Part { task: task.to_owned(), number: 1, intervals: Vec::new() };
        Results { filling, outbox }
    }

    /// Adds an interval. The part is closed when it spans `results_ms`.
    pub(super) fn add(&mut self, interval: Interval, results_ms: Millis) {
        let end = interval.report.at + interval.report.length_ms;
        self.filling.intervals.push(interval);
        let began = self.filling.intervals.first().map_or(end, |first| first.report.at);
        if end - began >= results_ms {
            self.close();
        }
    }

    /// Closes the part, if it holds anything, and sends it on its way.
    pub(super) fn close(&mut self) {
        if self.filling.intervals.is_empty() {
            return;
        }
        self.outbox.put(self.filling.key(), self.filling.encode().into());
        self.filling.number += 1;
        self.filling.intervals.clear();
    }
}

impl Outbox {
    fn put(&self, key: String, body: Bytes) {
        let mut parts = self.parts.borrow_mut();
        self.bytes.set(self.bytes.get() + body.len());
        parts.push_back((key, body));
        while self.bytes.get() > WAITING_MOST && parts.len() > 1 {
            if let Some((key, body)) = parts.pop_front() {
                self.bytes.set(self.bytes.get() - body.len());
                say(&format!("{key} is lost: too much waits to be written"));
            }
        }
        self.filled.notify_one();
    }

    /// How many parts wait.
    pub(super) fn len(&self) -> usize {
        self.parts.borrow().len()
    }

    fn written(&self, key: &str) {
        let mut parts = self.parts.borrow_mut();
        // Unless it had to go in the meantime.
        if parts.front().is_some_and(|(front, _)| front == key)
            && let Some((_, body)) = parts.pop_front()
        {
            self.bytes.set(self.bytes.get() - body.len());
        }
        if parts.is_empty() {
            self.emptied.notify_one();
        }
    }

    /// Resolves when nothing waits.
    pub(super) async fn emptied(&self) {
        while self.len() > 0 {
            self.emptied.notified().await;
        }
    }

    /// Writes parts for ever, one after another, each until it is written; the caller
    /// drops it.
    pub(super) async fn deliver<S: Station>(&self, station: &S, task: &str) {
        let mut backoff = Backoff::new(Random::new(task, u32::MAX - 1), LONGEST_PAUSE);
        let mut failing = false;
        loop {
            let front = self.parts.borrow().front().cloned();
            let Some((key, body)) = front else {
                self.filled.notified().await;
                continue;
            };
            match station.store(&key, body).await {
                Ok(()) => {
                    self.written(&key);
                    backoff.reset();
                    failing = false;
                }
                Err(error) => {
                    if !std::mem::replace(&mut failing, true) {
                        say(&format!("{key} is not written yet: {error}"));
                    }
                    sleep(backoff.pause()).await;
                }
            }
        }
    }
}
