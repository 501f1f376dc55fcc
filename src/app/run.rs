//! The only loop: keys, signals, snapshots and time in; commands and pictures out.
//!
//! Invariant: it never blocks on the controller (what the channel cannot take waits
//! in a bounded queue) or on a recording, input comes first, and a picture is drawn only
//! when something changed, as [`pace`] says. The one thing that can hold it is
//! a terminal that takes no picture; the watchdog sees to signals that come then.

mod options;
mod pace;
mod pointer;
mod recorder;

use std::{
    collections::VecDeque,
    future::poll_fn,
    io,
    path::PathBuf,
    sync::Arc,
    task::Poll,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use color_eyre::eyre::WrapErr;
use crossterm::event::{Event, EventStream};
use futures_util::{Stream, StreamExt};
use ratatui::{Terminal, backend::Backend};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};

pub use self::options::Options;
use self::{pace::Pace, recorder::Recorder};
use super::{
    action::{Action, Recording},
    effect::{Effect, Farewell},
    signals::{Heard, Signals},
    state::App,
    update::update,
    watchdog::{Pulse, Watchdog},
};
use crate::{
    controller::{Command, Handle, Snapshot},
    model::Millis,
    record,
    ui::{
        self, format,
        hits::Hits,
        keymap,
        terminal::{self, Stage},
        theme::Theme,
    },
};

/// So that ages grow on a screen where nothing else happens.
const TICK: Duration = Duration::from_secs(1);
/// How long a controller may take for each of the last commands.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// Commands that may wait for the controller.
const QUEUE: usize = 64;
/// Pictures in a row after which a terminal that takes none is gone.
const MISSES: u8 = 3;
/// Events taken in before a picture is drawn, however fast they come.
const DRAIN: usize = 256;

/// Shows the dashboard on the terminal until it is left, and restores the terminal.
pub async fn run(handle: Handle, options: Options) -> color_eyre::Result<Farewell> {
    let signals = Signals::listen().wrap_err("cannot listen for signals")?;
    let pulse = Pulse::default();
    // Goes after the screen: giving that back writes, too.
    let _watchdog = Watchdog::watch(pulse.clone()).wrap_err("cannot listen for signals")?;
    let mut screen =
        terminal::Screen::enter(options.mouse).wrap_err("cannot take over the terminal")?;
    let theme = Theme::from_env();
    let session = Session::new(handle, &options, theme, pulse);
    Ok(session.run(&mut screen, EventStream::new(), signals).await)
}

/// A dashboard at work, on any terminal and with any source of events.
struct Session {
    app: App,
    theme: Theme,
    commands: mpsc::Sender<Command>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    waiting: VecDeque<Command>,
    farewell: Option<Farewell>,
    /// Pictures in a row that the terminal did not take.
    misses: u8,
    pulse: Pulse,
    /// What can be pointed at on the last picture.
    hits: Hits,
    pace: Pace,
    recorder: Recorder,
    /// Whether the terminal is to be given back for a while.
    steps_aside: bool,
    /// Whether the terminal may show something else than the last picture.
    is_damaged: bool,
}

/// What woke the loop up.
enum Wake {
    Input(Option<io::Result<Event>>),
    Heard(Heard),
    Does(Action),
    Sent,
    Frame,
}

impl Session {
    fn new(mut handle: Handle, options: &Options, theme: Theme, pulse: Pulse) -> Self {
        let snapshot = Arc::clone(&handle.snapshots.borrow_and_update());
        let mut app = App::new(snapshot, options.batch, options.window, options.readonly);
        (app.spread, app.seed) = (options.spread, options.seed);
        (app.look, app.keymap) = (options.look, Arc::clone(&options.keymap));
        Self {
            app,
            theme,
            commands: handle.commands,
            snapshots: handle.snapshots,
            waiting: VecDeque::new(),
            farewell: None,
            misses: 0,
            pulse,
            hits: Hits::default(),
            pace: Pace::default(),
            recorder: Recorder::new(options.record.clone()),
            steps_aside: false,
            is_damaged: false,
        }
    }

    async fn run<S: Stage>(
        mut self,
        stage: &mut S,
        mut input: impl Stream<Item = io::Result<Event>> + Unpin,
        mut signals: Signals,
    ) -> Farewell {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut has_terminal, mut has_controller) = (true, true);
        self.pace.changed(Instant::now());
        loop {
            self.pulse.beat();
            let due = self.pace.due().filter(|_| has_terminal);
            let wake = tokio::select! {
                biased;
                event = input.next(), if has_terminal => Wake::Input(event),
                heard = signals.next() => Wake::Heard(heard),
                permit = self.commands.reserve(), if !self.waiting.is_empty() && has_controller => {
                    if let (Ok(permit), Some(command)) = (permit, self.waiting.pop_front()) {
                        permit.send(command);
                    }
                    Wake::Sent
                }
                changed = self.snapshots.changed(), if has_controller => match changed {
                    Ok(()) => Wake::Does(Action::Observed(
                        Arc::clone(&self.snapshots.borrow_and_update()))),
                    Err(_) => Wake::Does(Action::ControllerLost),
                },
                recording = self.recorder.told() => Wake::Does(Action::Recorded(recording)),
                _ = tick.tick() => Wake::Does(Action::Tick),
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => Wake::Frame,
            };
            match wake {
                Wake::Input(event) => {
                    has_terminal = self.take_input(event.as_ref()) && self.drain(&mut input).await;
                }
                Wake::Heard(Heard::GoOn) => {
                    has_terminal = has_terminal && self.come_back(&stage.retake());
                }
                Wake::Heard(Heard::Asked(action)) | Wake::Does(action) => {
                    has_controller &= action != Action::ControllerLost;
                    self.pace.changed(Instant::now());
                    self.act(action);
                }
                Wake::Sent => {}
                Wake::Frame => {
                    has_terminal = self.draw(stage.terminal());
                    if !has_terminal {
                        self.act(Action::TerminalLost);
                    }
                }
            }
            if std::mem::take(&mut self.steps_aside) && has_terminal {
                let words = suspended(&self.app, wall_clock());
                has_terminal = self.come_back(&stage.step_aside(&words));
            }
            if let Some(farewell) = self.farewell.take() {
                return self.depart(farewell).await;
            }
        }
    }

    /// Goes on after the terminal was somebody else's. Returns whether it is there.
    fn come_back(&mut self, taken: &io::Result<()>) -> bool {
        self.is_damaged = true;
        self.pace.touched(Instant::now());
        if taken.is_err() {
            self.act(Action::TerminalLost);
        }
        taken.is_ok()
    }

    /// Takes in what else is ready, so that a burst of keys costs one picture.
    async fn drain(&mut self, input: &mut (impl Stream<Item = io::Result<Event>> + Unpin)) -> bool {
        for _ in 0..DRAIN {
            // With the loop's own waker: the terminal's stream wakes whoever asked it first,
            // and the next key would wait for something else to wake the loop up.
            match poll_fn(|cx| Poll::Ready(input.poll_next_unpin(cx))).await {
                Poll::Ready(event) if self.farewell.is_none() => {
                    if !self.take_input(event.as_ref()) {
                        return false;
                    }
                }
                _ => break,
            }
        }
        true
    }

    /// Returns whether the terminal is still there.
    fn take_input(&mut self, event: Option<&io::Result<Event>>) -> bool {
        let action = match event {
            Some(Ok(Event::Key(key))) => keymap::resolve(&self.app, *key),
            // Pasted text is text, not keys: one line with a `K` and a `y` in it
            // must not end a run.
            Some(Ok(Event::Paste(text))) => Some(Action::Paste(text.clone())),
            Some(Ok(Event::Mouse(mouse))) => pointer::meant(&self.app, &self.hits, *mouse),
            // It may have had several sizes since the last picture, and one of them may be
            // that picture's: only a whole one is sure to be right.
            Some(Ok(Event::Resize(..))) => {
                self.is_damaged = true;
                self.pace.changed(Instant::now());
                None
            }
            Some(Ok(_)) => None,
            Some(Err(_)) | None => {
                self.act(Action::TerminalLost);
                return false;
            }
        };
        if let Some(action) = action {
            self.pace.touched(Instant::now());
            self.act(action);
        }
        true
    }

    fn act(&mut self, action: Action) {
        let effects = update(&mut self.app, action, wall_clock());
        for effect in effects {
            match effect {
                Effect::Send(command) => self.send(command),
                Effect::Record(true) => self.recorder.begin(&recordings(&self.app)),
                Effect::Record(false) => self.recorder.end(),
                Effect::Suspend => self.steps_aside = true,
                Effect::Leave(cause, fleet) => {
                    let snapshot = Arc::clone(&self.app.snapshot);
                    let farewell = Farewell { cause, fleet, snapshot, recorded: None };
                    self.farewell.get_or_insert(farewell);
                }
            }
        }
    }

    /// Hands a command over, or keeps it for when there is room.
    fn send(&mut self, command: Command) {
        if matches!(command, Command::End { .. }) {
            // The end is final: what was not even sent would be undone by it.
            self.waiting.clear();
        }
        if !self.waiting.is_empty() {
            if self.waiting.len() >= QUEUE {
                return self.act(Action::Overrun);
            }
            return self.waiting.push_back(command);
        }
        match self.commands.try_send(command) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(command)) => self.waiting.push_back(command),
            Err(mpsc::error::TrySendError::Closed(_)) => self.act(Action::ControllerLost),
        }
    }

    /// Leaves nothing behind that is on its way.
    async fn depart(mut self, mut farewell: Farewell) -> Farewell {
        let last = self.recorder.finish().await.or_else(|| self.app.recording.take());
        farewell.recorded = match last {
            Some(Recording::On(file) | Recording::Ended(file)) => Some(file),
            Some(Recording::Failed(_)) | None => None,
        };
        self.hand_over_the_rest().await;
        farewell
    }

    /// On the way out: what still waits is for a run that may go on.
    async fn hand_over_the_rest(&mut self) {
        for command in std::mem::take(&mut self.waiting) {
            // A controller that takes nothing holds nobody up.
            if self.commands.send_timeout(command, LAST_WORDS).await.is_err() {
                return;
            }
        }
    }

    /// Returns whether the terminal is still there. One picture that it does not
    /// take is no proof; a terminal that is gone takes none.
    fn draw<B: Backend>(&mut self, terminal: &mut Terminal<B>) -> bool {
        if terminal::is_lost_to_a_panic() {
            return false;
        }
        let now = wall_clock();
        let (app, theme) = (&self.app, self.theme);
        let mut hits = Hits::default();
        let is_whole = !self.is_damaged || redo(terminal).is_ok();
        let drawn = terminal.draw(|frame| hits = ui::draw(frame, app, theme, now));
        if let Some(page) = hits.page() {
            self.act(Action::Paged(page));
        }
        self.pace.drew(Instant::now());
        self.hits = hits;
        if let Ok(frame) = &drawn {
            self.recorder.frame(frame.buffer);
            self.is_damaged = !is_whole;
        }
        self.misses = if drawn.is_ok() { 0 } else { self.misses + 1 };
        self.misses < MISSES
    }
}

/// Empties the terminal, so that the next picture is drawn whole.
fn redo<B: Backend>(terminal: &mut Terminal<B>) -> Result<(), B::Error> {
    let size = terminal.size()?;
    terminal.resize(size.into())
}

/// Where a recording belongs: to the run, if there is one.
fn recordings(app: &App) -> PathBuf {
    let folder = app.snapshot.run.as_ref().map(|run| run.folder.clone());
    folder.filter(|it| it.is_dir()).unwrap_or_else(record::state_dir)
}

/// What is said on the terminal while it is not ours.
fn suspended(app: &App, now: Millis) -> String {
    let meanwhile = match (&app.snapshot.run, app.something_runs(now)) {
        (Some(run), true) if app.snapshot.site.outlives_us => {
            format!(" Run {} goes on; another loadtop may take its lead meanwhile.", run.id)
        }
        (Some(run), true) => format!(
            " Its cloud stands still meanwhile; the devices go on for {} at most.",
            format::span(run.lease_left_ms)
        ),
        _ => String::new(),
    };
    format!("loadtop is suspended; fg brings it back.{meanwhile}")
}

/// This machine's clock.
fn wall_clock() -> Millis {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX))
}

#[cfg(test)]
mod tests;
