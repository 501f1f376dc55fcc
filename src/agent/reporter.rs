//! Closes each interval in time, and says it three ways: to CloudWatch, to the
//! result parts, and as a line to people.
//!
//! Invariant: nothing here makes a device wait. Publishing runs beside; the line
//! goes through a thread of its own and is dropped where nobody reads; parts wait in
//! the outbox.

use std::{io::Write, rc::Rc, time::Duration};

use tokio::{
    select,
    sync::oneshot,
    task::{JoinError, JoinSet, spawn_local},
    time::{Instant, sleep, timeout_at},
};

use super::{
    grid::Span,
    health::{self, Cpu},
    lines::Lines,
    results::{Outbox, Results},
    say,
    shared::Shared,
};
use crate::{
    cloud::{CloudError, ErrorKind},
    follow::{Clock, Station, Wishes},
    model::Millis,
    stats::{Interval, metrics},
};

/// So many intervals may be on their way to CloudWatch at once.
const PUBLISHING_MOST: usize = 16;
/// Reports for one agent.
pub(super) struct Reporter<S> {
    station: Rc<S>,
    clock: Rc<Clock>,
    shared: Rc<Shared>,
    wishes: Wishes,
    cpu: Cpu,
    publishing: JoinSet<Result<(), CloudError>>,
    missing: u64,
    results: Results,
    outbox: Rc<Outbox>,
    lines: Lines,
}

impl<S: Station + 'static> Reporter<S> {
    pub(super) fn new(
        station: Rc<S>,
        clock: Rc<Clock>,
        shared: Rc<Shared>,
        wishes: Wishes,
        out: impl Write + Send + 'static,
    ) -> Self {
        let outbox = Rc::new(Outbox::default());
        Reporter {
            results: Results::new(&shared.task, Rc::clone(&outbox)),
            station,
            clock,
            shared,
            wishes,
            cpu: Cpu::now(),
            publishing: JoinSet::new(),
            missing: 0,
            outbox,
            lines: Lines::to(out),
        }
    }

    /// Reports from the first wish on until told to stop; then the last interval, and
    /// everything out by the moment that comes with it.
    pub(super) async fn report(mut self, mut stop: oneshot::Receiver<Instant>) {
        let (outbox, station) = (Rc::clone(&self.outbox), Rc::clone(&self.station));
        let task = self.shared.task.clone();
        let delivery = spawn_local(async move { outbox.deliver(&*station, &task).await });
        let mut span = None;
        let deadline = loop {
            let wait = span.map_or(FIRST_LOOK, |span: Span| self.clock.until(span.end()));
            select! {
                biased;
                deadline = &mut stop => break deadline.unwrap_or_else(|_| Instant::now()),
                () = sleep(wait) => {}
                _ = self.wishes.changed(), if span.is_none() => {}
            }
            span = self.step(span);
        };
        if let (Some(span), Some(now)) = (span, self.clock.now()) {
            self.close(span, now.saturating_sub(span.at).clamp(1, span.length));
        }
        self.results.close();
        let _ = timeout_at(deadline, async {
            self.outbox.emptied().await;
            while let Some(published) = self.publishing.join_next().await {
                self.count(published);
            }
        })
        .await;
        if self.outbox.len() > 0 {
            say(&format!("{} parts of results could not be written in time", self.outbox.len()));
        }
        delivery.abort();
        self.lines.end().await;
    }

    /// Closes the interval if it is over; the interval to look at next.
    fn step(&mut self, span: Option<Span>) -> Option<Span> {
        let now = self.clock.now()?;
        let length = self.wishes.borrow().as_ref()?.report_ms;
        match span {
            Some(span) if now < span.end() => return Some(span),
            Some(span) => self.close(span, span.length),
            None => {}
        }
        Some(Span::next(span, now, length))
    }

    fn close(&mut self, span: Span, length_ms: Millis) {
        let mut interval = self.shared.recorder.borrow_mut().take();
        let report = &mut interval.report;
        (report.at, report.length_ms) = (span.at, length_ms);
        report.task.clone_from(&self.shared.task);
        report.devices = self.shared.tally.take();
        report.sockets = self.shared.tally.sockets();
        (report.cpu, report.rss) = (self.cpu.take(), health::rss());
        if let Ok(line) = serde_json::to_string(report) {
            self.lines.print(line);
        }
        self.publish(&interval);
        let results_ms = self.wishes.borrow().as_ref().map_or(0, |wish| wish.results_ms);
        self.results.add(interval, results_ms);
    }

    fn publish(&mut self, interval: &Interval) {
        while let Some(published) = self.publishing.try_join_next() {
            self.count(published);
        }
        if self.publishing.len() >= PUBLISHING_MOST {
            self.miss("CloudWatch is too slow");
            return;
        }
        let data = metrics::data(&self.shared.run, interval);
        let station = Rc::clone(&self.station);
        self.publishing.spawn_local(async move { station.publish(&data).await });
    }

    /// An interval that did not get through is missing: repeating what may have
    /// arrived would count it twice, and repeating a refusal brings the next one.
    fn count(&mut self, published: Result<Result<(), CloudError>, JoinError>) {
        match published {
            Ok(Ok(())) => {}
            Ok(Err(error)) if error.kind == ErrorKind::Ambiguous => {
                self.miss(&format!("it may have arrived: {error}"));
            }
            Ok(Err(error)) => self.miss(&error.to_string()),
            Err(error) => self.miss(&error.to_string()),
        }
    }

    fn miss(&mut self, why: &str) {
        self.missing += 1;
        say(&format!("an interval is missing from CloudWatch ({} so far): {why}", self.missing));
    }
}

/// How long to wait for the first wish between two looks.
const FIRST_LOOK: Duration = Duration::from_millis(100);
