//! What happened when, for the charts: found by comparing what is seen with what was.
//!
//! Invariant: it is made of what every controller of a run sees, so that who leads and who
//! follows show the same; what has a time of its own in the wish is shown at that time, to
//! whoever comes late too. As many as are kept have a bound; the oldest go.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    actor::Actor,
    snapshot::{LeadView, Mark, MarkKind},
};
use crate::{
    model::{
        Millis,
        wish::{Batch, State, Wish},
    },
    plan::{Plan, Target},
};

/// How many are kept.
const MOST: usize = 500;
/// Tasks that fail within so many milliseconds are one mark.
const TOGETHER_MS: Millis = 5_000;

/// What happened so far.
#[derive(Debug, Default)]
pub(super) struct Marks {
    list: Arc<Vec<Mark>>,
    seen: Seen,
}

/// What was seen last; none of what was not seen yet.
#[derive(Debug, Default)]
struct Seen {
    opened: BTreeSet<u32>,
    pauses: usize,
    resumed: usize,
    removed: Option<u32>,
    /// The rate, once a wish was seen.
    rate: Option<Asked>,
    target: Option<Target>,
    desired: Option<u32>,
    failed: Option<u32>,
    /// Since when tasks failed together, and how many.
    failing: (Millis, u32),
    lead: Option<Led>,
    stopped: bool,
}

/// How many requests a second are asked for; none: as many as there are.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Asked(Option<f64>);

/// Who leads, as far as that is surely known.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Led {
    Us,
    Other(String),
    Nobody,
}

/// What is seen now.
struct Sight<'a> {
    wish: &'a Wish,
    target: Option<&'a Target>,
    /// Instances that there should be.
    desired: Option<u32>,
    /// Tasks that failed so far.
    failed: Option<u32>,
    lead: Option<Led>,
    /// The bucket's time, and how far this machine's is ahead of it.
    at: Millis,
    ahead_ms: i64,
}

impl Marks {
    /// What happened, oldest first.
    pub(super) fn list(&self) -> Arc<Vec<Mark>> {
        Arc::clone(&self.list)
    }

    fn observe(&mut self, now: &Sight<'_>) {
        self.see_batches(now);
        self.see_pauses(now);
        self.see_plan(now);
        self.see_fleet(now);
        if now.lead.is_some() && self.seen.lead != now.lead {
            let text = match &now.lead {
                Some(Led::Us) => "this one leads from now on".to_owned(),
                Some(Led::Other(owner)) => format!("{owner} leads from now on"),
                Some(Led::Nobody) | None => "nobody leads".to_owned(),
            };
            if self.seen.lead.is_some() {
                self.add(now, now.at, MarkKind::Fault, text);
            }
            self.seen.lead.clone_from(&now.lead);
        }
        if now.wish.state == State::Stop && !std::mem::replace(&mut self.seen.stopped, true) {
            self.add(now, now.at, MarkKind::End, "the run ends".to_owned());
        }
    }

    /// Batches count from when their windows open.
    fn see_batches(&mut self, now: &Sight<'_>) {
        for batch in &now.wish.batches {
            if let Some(start) = batch.start_at.filter(|&start| start <= now.at)
                && self.seen.opened.insert(batch.first)
            {
                self.add(now, start, MarkKind::Batch, added(batch));
            }
        }
        let ever: u32 = now.wish.batches.iter().map(|batch| batch.count).sum();
        let removed = ever.saturating_sub(now.wish.live.len());
        let before = self.seen.removed.replace(removed).unwrap_or(removed);
        if removed > before {
            let text = format!("\u{2212}{}", removed - before);
            self.add(now, now.at, MarkKind::Batch, text);
        }
    }

    fn see_pauses(&mut self, now: &Sight<'_>) {
        let pauses = &now.wish.pauses;
        for pause in pauses.iter().skip(self.seen.pauses) {
            self.add(now, pause.from, MarkKind::Pause, "the ramp is paused".to_owned());
        }
        let ended: Vec<Millis> = pauses.iter().filter_map(|pause| pause.to).collect();
        for &to in ended.iter().skip(self.seen.resumed) {
            self.add(now, to, MarkKind::Pause, "the ramp goes on".to_owned());
        }
        (self.seen.pauses, self.seen.resumed) = (pauses.len(), ended.len());
    }

    fn see_plan(&mut self, now: &Sight<'_>) {
        let rate = now.wish.rates.get(&0).copied();
        if self.seen.rate.replace(Asked(rate)).is_some_and(|before| before != Asked(rate)) {
            let text = rate.map_or("no rate".to_owned(), |rate| format!("{rate} requests/s"));
            self.add(now, now.at, MarkKind::Plan, text);
        }
        if now.target.is_some() && self.seen.target.as_ref() != now.target {
            let text = now.target.map(|target| format!("target {target}"));
            if let Some(text) = text.filter(|_| self.seen.target.is_some()) {
                self.add(now, now.at, MarkKind::Plan, text);
            }
            self.seen.target = now.target.cloned();
        }
    }

    fn see_fleet(&mut self, now: &Sight<'_>) {
        if let Some(desired) = now.desired {
            let before = self.seen.desired.replace(desired).unwrap_or(desired);
            if desired != before {
                let text = format!("instances {before} \u{2192} {desired}");
                self.add(now, now.at, MarkKind::Scale, text);
            }
        }
        let Some(failed) = now.failed else {
            return;
        };
        let before = self.seen.failed.unwrap_or(failed);
        // A successor's count may be a little behind.
        self.seen.failed = Some(failed.max(before));
        if failed <= before {
            return;
        }
        let (since, so_far) = self.seen.failing;
        let together = so_far > 0 && now.at < since + TOGETHER_MS;
        self.seen.failing =
            if together { (since, so_far + failed - before) } else { (now.at, failed - before) };
        let (since, count) = self.seen.failing;
        let text = |count: u32| format!("{count} tasks failed").replace("1 tasks f", "1 task f");
        if together {
            let old = text(so_far);
            let list = Arc::make_mut(&mut self.list);
            if let Some(mark) = list.iter_mut().rev().find(|it| it.text == old) {
                mark.text = text(count);
                return;
            }
        }
        self.add(now, since, MarkKind::Fault, text(count));
    }

    /// Adds a mark at a moment of the bucket's clock, to where it belongs.
    fn add(&mut self, now: &Sight<'_>, at: Millis, kind: MarkKind, text: String) {
        let at = at.saturating_add_signed(now.ahead_ms);
        let list = Arc::make_mut(&mut self.list);
        let place = list.partition_point(|it| it.at <= at);
        list.insert(place, Mark { at, kind, text });
        if list.len() > MOST {
            list.remove(0);
        }
    }
}

/// What a batch is, in a few words.
fn added(batch: &Batch) -> String {
    match batch.over_ms {
        0 => format!("+{} at once", batch.count),
        ms if ms % 60_000 == 0 => format!("+{} over {} min", batch.count, ms / 60_000),
        ms if ms % 1000 == 0 => format!("+{} over {} s", batch.count, ms / 1000),
        ms => format!("+{} over {ms} ms", batch.count),
    }
}

impl Actor {
    /// Notes what happened to the run since the last look.
    pub(super) fn note_marks(&mut self, now: Millis) {
        let lead = match self.lead_view(now) {
            LeadView::Us { .. } => Some(Led::Us),
            LeadView::Other { owner, .. } => Some(Led::Other(owner)),
            LeadView::Nobody => Some(Led::Nobody),
            LeadView::Unknown | LeadView::Unsure => None,
        };
        let (at, desired) = (self.clock.bucket(), self.fleet.desired());
        let ahead_ms = self.clock.to_wall(at).cast_signed() - at.cast_signed();
        let Some(run) = &mut self.run else {
            return;
        };
        let told = run.told.as_ref().map(|(told, _)| told.tally.failed);
        let failed = if run.has_table() { Some(run.tally.failed) } else { told };
        let target = run.plan.as_ref().and_then(Plan::target);
        run.marks.observe(&Sight { wish: &run.wish, target, desired, failed, lead, at, ahead_ms });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::wish::{Change, Edit, Spread};

    fn edit(wish: &Wish, change: Change, at: Millis) -> Wish {
        wish.edited(&Edit { id: format!("{}", wish.version), change }, at)
    }

    fn sight(wish: &Wish, at: Millis) -> Sight<'_> {
        Sight {
            wish,
            target: None,
            desired: Some(1),
            failed: Some(0),
            lead: Some(Led::Us),
            at,
            ahead_ms: 100,
        }
    }

    fn texts(marks: &Marks) -> Vec<(Millis, MarkKind, String)> {
        marks.list.iter().map(|it| (it.at, it.kind, it.text.clone())).collect()
    }

    fn batch(first: u32, start_at: Option<Millis>, over_ms: Millis) -> Change {
        let (count, execution, spread, seed) = (250, 0, Spread::Uniform, 0);
        Change::Add(Batch { first, count, execution, start_at, over_ms, spread, seed })
    }

    #[test]
    fn what_the_wish_dates_is_the_same_for_whoever_comes_late() {
        let wish = Wish::new("plan-1.json", 1_000_000);
        let wish = edit(&wish, batch(0, Some(10_000), 10_000), 9_000);
        let wish = edit(&wish, Change::Pause { at: 15_000 }, 15_000);
        let paused = wish.clone();
        let wish = edit(&wish, Change::Resume { at: 20_000 }, 20_000);
        let wish = edit(&wish, batch(250, Some(90_000), 120_000), 25_000);
        let mut early = Marks::default();
        early.observe(&sight(&paused, 9_000));
        early.observe(&sight(&paused, 16_000));
        early.observe(&sight(&wish, 30_000));
        let mut late = Marks::default();
        late.observe(&sight(&wish, 30_000));
        assert_eq!(texts(&early), texts(&late));
        late.observe(&sight(&wish, 90_000));
        let texts = texts(&late);
        assert_eq!(texts[0], (10_100, MarkKind::Batch, "+250 over 10 s".to_owned()));
        assert_eq!(texts[1], (15_100, MarkKind::Pause, "the ramp is paused".to_owned()));
        assert_eq!(texts[2], (20_100, MarkKind::Pause, "the ramp goes on".to_owned()));
        assert_eq!(texts[3], (90_100, MarkKind::Batch, "+250 over 2 min".to_owned()));
        assert_eq!(texts.len(), 4, "the window opened by now");
    }

    #[test]
    fn what_changes_is_seen_and_what_was_before_is_not_news() {
        let mut wish = edit(&Wish::new("p", 1_000_000), batch(0, None, 0), 0);
        let mut marks = Marks::default();
        let targets: Vec<Target> =
            ["tcp://a:1", "tcp://b:1"].map(|it| it.parse().expect("a target")).into();
        let old = Sight { target: Some(&targets[0]), ..sight(&wish, 1_000) };
        marks.observe(&Sight { failed: Some(7), desired: Some(3), ..old });
        assert_eq!(texts(&marks), []);
        wish = edit(&wish, Change::Remove { count: 50 }, 2_000);
        wish.rates.insert(0, 500.0);
        wish = edit(&wish, Change::Stop { scale_to_zero: false }, 2_000);
        let new = Sight { target: Some(&targets[1]), ..sight(&wish, 2_000) };
        let lead = Some(Led::Other("someone".to_owned()));
        marks.observe(&Sight { failed: Some(7), desired: Some(5), lead, ..new });
        let seen: Vec<String> = marks.list.iter().map(|it| it.text.clone()).collect();
        let expected = [
            "−50",
            "500 requests/s",
            "target tcp://b:1",
            "instances 3 → 5",
            "someone leads from now on",
            "the run ends",
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn tasks_that_fail_together_are_one_mark() {
        let wish = Wish::new("p", 1_000_000);
        let mut marks = Marks::default();
        for (at, failed) in [(1_000, 0), (2_000, 1), (3_000, 4), (4_000, 3), (9_000, 5)] {
            marks.observe(&Sight { failed: Some(failed), ..sight(&wish, at) });
        }
        let seen = texts(&marks);
        assert_eq!(seen.len(), 2);
        assert_eq!(seen[0], (2_100, MarkKind::Fault, "4 tasks failed".to_owned()));
        assert_eq!(seen[1], (9_100, MarkKind::Fault, "1 task failed".to_owned()));
    }

    #[test]
    fn so_many_are_kept() {
        let wish = Wish::new("p", 1_000_000);
        let mut marks = Marks::default();
        for n in 0..2_000 {
            marks.observe(&Sight { desired: Some(n), ..sight(&wish, u64::from(n)) });
        }
        assert_eq!(marks.list.len(), MOST);
        assert_eq!(marks.list.last().map(|it| it.at), Some(2_099));
    }
}
