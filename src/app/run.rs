//! The only loop: keys, signals, snapshots and time in; commands and pictures out.
//!
//! Invariant: it never blocks on the controller (what the channel cannot take waits
//! in a bounded queue), input comes first, and a picture is drawn only when
//! something changed, thirty times a second at most. The one thing that can hold it is
//! a terminal that takes no picture; the watchdog sees to signals that come then.

use std::{
    collections::VecDeque,
    io,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use color_eyre::eyre::WrapErr;
use crossterm::event::{Event, EventStream, MouseButton, MouseEventKind};
use futures_util::{FutureExt, Stream, StreamExt};
use ratatui::{Terminal, backend::Backend};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};

use super::{
    action::Action,
    effect::{Effect, Farewell},
    keymap::Keymap,
    look::Look,
    signals::Signals,
    state::App,
    update::update,
    watchdog::{Pulse, Watchdog},
};
use crate::{
    controller::{Command, Handle, Snapshot},
    model::{Millis, wish::Spread},
    ui::{self, hits::Hits, keymap, terminal, theme::Theme},
};

/// Time between two pictures.
const FRAME: Duration = Duration::from_millis(33);
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

/// How the dashboard begins.
#[derive(Debug, Clone)]
pub struct Options {
    /// Devices of a batch.
    pub batch: u32,
    /// The ramp window.
    pub window: Duration,
    /// How starts are spread over it.
    pub spread: Spread,
    /// What the spread's randomness comes from; none: anything.
    pub seed: Option<u64>,
    /// Whether nothing may be changed from here.
    pub readonly: bool,
    /// Whether the mouse is ours; otherwise the terminal selects text with it.
    pub mouse: bool,
    /// How it looks.
    pub look: Look,
    /// The keys as they were chosen.
    pub keymap: Arc<Keymap>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            batch: 100,
            window: Duration::from_secs(10),
            spread: Spread::Uniform,
            seed: None,
            readonly: false,
            mouse: true,
            look: Look::default(),
            keymap: Arc::default(),
        }
    }
}

/// Shows the dashboard on the terminal until it is left, and restores the terminal.
pub async fn run(handle: Handle, options: Options) -> color_eyre::Result<Farewell> {
    let signals = Signals::listen().wrap_err("cannot listen for signals")?;
    let pulse = Pulse::default();
    // Goes after the screen: giving that back writes, too.
    let _watchdog = Watchdog::watch(pulse.clone()).wrap_err("cannot listen for signals")?;
    let mut screen = terminal::Screen::enter().wrap_err("cannot take over the terminal")?;
    let theme = Theme::from_env();
    let session = Session::new(handle, &options, theme, pulse);
    Ok(session.run(screen.terminal(), EventStream::new(), signals).await)
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
}

/// What woke the loop up.
enum Wake {
    Input(Option<io::Result<Event>>),
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
        }
    }

    async fn run<B: Backend>(
        mut self,
        terminal: &mut Terminal<B>,
        mut input: impl Stream<Item = io::Result<Event>> + Unpin,
        mut signals: Signals,
    ) -> Farewell {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut next_frame = Instant::now();
        let (mut is_dirty, mut has_terminal, mut has_controller) = (true, true, true);
        loop {
            self.pulse.beat();
            let wake = tokio::select! {
                biased;
                event = input.next(), if has_terminal => Wake::Input(event),
                signal = signals.next() => Wake::Does(signal),
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
                _ = tick.tick() => Wake::Does(Action::Tick),
                () = sleep_until(next_frame), if is_dirty && has_terminal => Wake::Frame,
            };
            match wake {
                Wake::Input(event) => {
                    has_terminal = self.take_input(event.as_ref()) && self.drain(&mut input);
                    is_dirty = true;
                }
                Wake::Does(action) => {
                    has_controller &= action != Action::ControllerLost;
                    self.act(action);
                    is_dirty = true;
                }
                Wake::Sent => {}
                Wake::Frame => {
                    is_dirty = false;
                    next_frame = Instant::now() + FRAME;
                    has_terminal = self.draw(terminal);
                    if !has_terminal {
                        self.act(Action::TerminalLost);
                    }
                }
            }
            if let Some(farewell) = self.farewell.take() {
                self.hand_over_the_rest().await;
                return farewell;
            }
        }
    }

    /// Takes in what else is ready, so that a burst of keys costs one picture.
    fn drain(&mut self, input: &mut (impl Stream<Item = io::Result<Event>> + Unpin)) -> bool {
        for _ in 0..DRAIN {
            match input.next().now_or_never() {
                Some(event) if self.farewell.is_none() => {
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
        match event {
            Some(Ok(Event::Key(key))) => {
                if let Some(action) = keymap::resolve(&self.app, *key) {
                    self.act(action);
                }
                true
            }
            // Pasted text is text, not keys: one line with a `K` and a `y` in it
            // must not end a run.
            Some(Ok(Event::Paste(text))) => {
                self.act(Action::Paste(text.clone()));
                true
            }
            Some(Ok(Event::Mouse(mouse))) => {
                let (column, row) = (mouse.column, mouse.row);
                let meant = match mouse.kind {
                    MouseEventKind::Down(MouseButton::Left) => self.hits.clicked(column, row),
                    MouseEventKind::ScrollDown => self.hits.scrolled(column, row, true),
                    MouseEventKind::ScrollUp => self.hits.scrolled(column, row, false),
                    _ => None,
                };
                if let Some(action) = meant {
                    self.act(action);
                }
                true
            }
            // A resize is answered by the next picture.
            Some(Ok(_)) => true,
            Some(Err(_)) | None => {
                self.act(Action::TerminalLost);
                false
            }
        }
    }

    fn act(&mut self, action: Action) {
        let effects = update(&mut self.app, action, wall_clock());
        for effect in effects {
            match effect {
                Effect::Send(command) => self.send(command),
                Effect::Record(_) | Effect::Suspend => {}
                Effect::Leave(cause, fleet) => {
                    let snapshot = Arc::clone(&self.app.snapshot);
                    self.farewell.get_or_insert(Farewell { cause, fleet, snapshot });
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
        let drawn = terminal.draw(|frame| hits = ui::draw(frame, app, theme, now));
        if let Some(page) = hits.page() {
            self.act(Action::Paged(page));
        }
        self.hits = hits;
        self.misses = if drawn.is_ok() { 0 } else { self.misses + 1 };
        self.misses < MISSES
    }
}

/// This machine's clock.
fn wall_clock() -> Millis {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX))
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode, KeyEvent};
    use futures_util::stream;
    use ratatui::backend::TestBackend;
    use tokio::time::timeout;

    use super::*;
    use crate::app::{
        effect::{Cause, Fleet},
        fixtures,
    };

    fn typed(keys: &str) -> Vec<io::Result<Event>> {
        keys.chars().map(|c| Ok(Event::Key(KeyEvent::from(KeyCode::Char(c))))).collect()
    }

    struct World {
        commands: mpsc::Receiver<Command>,
        snapshots: watch::Sender<Arc<Snapshot>>,
        session: Session,
    }

    fn world(snapshot: Snapshot, room: usize) -> World {
        let (to_controller, commands) = mpsc::channel(room);
        let (snapshots, from_controller) = watch::channel(Arc::new(snapshot));
        let handle = Handle { commands: to_controller, snapshots: from_controller };
        let (options, pulse) = (Options::default(), Pulse::default());
        let session = Session::new(handle, &options, Theme::default(), pulse);
        World { commands, snapshots, session }
    }

    /// Runs it on these events; after them the terminal is silent, or gone.
    async fn play(session: Session, events: Vec<io::Result<Event>>, is_gone: bool) -> Farewell {
        let mut terminal = Terminal::new(TestBackend::new(80, 24)).expect("cannot fail");
        let signals = Signals::listen().expect("a runtime is on");
        let silence = stream::pending().take(usize::from(!is_gone));
        let input = Box::pin(stream::iter(events).chain(silence));
        timeout(Duration::from_secs(20), session.run(&mut terminal, input, signals))
            .await
            .expect("left in time")
    }

    #[tokio::test]
    async fn a_channel_that_is_full_delays_commands_and_loses_none() {
        let World { mut commands, snapshots, session } = world(fixtures::steady(), 1);
        let controller = tokio::spawn(async move {
            let mut batches = Vec::new();
            while let Some(Command::Add { devices, .. }) = commands.recv().await {
                batches.push(devices);
                tokio::time::sleep(Duration::from_millis(5)).await;
                if batches.len() == 8 {
                    break;
                }
            }
            drop(snapshots);
            batches
        });
        let farewell = play(session, typed("++++++++"), false).await;
        assert_eq!(farewell.cause, Cause::ControllerLost);
        assert_eq!(controller.await.expect("no panic"), [100; 8]);
    }

    #[tokio::test]
    async fn who_leaves_is_not_gone_before_the_last_command_is_handed_over() {
        let mut snapshot = fixtures::steady();
        snapshot.site.outlives_us = true;
        let World { mut commands, snapshots: _snapshots, session } = world(snapshot, 1);
        let controller = tokio::spawn(async move {
            let mut taken = Vec::new();
            while let Some(command) = commands.recv().await {
                tokio::time::sleep(Duration::from_millis(5)).await;
                taken.push(command);
            }
            taken
        });
        let farewell = play(session, typed("+++ql"), false).await;
        assert_eq!((farewell.cause, farewell.fleet), (Cause::Quit, Fleet::RunsOn));
        let taken = controller.await.expect("no panic");
        assert_eq!(taken.len(), 4);
        assert_eq!(taken.last(), Some(&Command::Leave));
    }

    #[tokio::test]
    async fn pasted_text_is_no_keys() {
        let World { mut commands, snapshots: _snapshots, session } = world(fixtures::empty(), 8);
        let mut events = vec![Ok(Event::Paste("+++Ky".into()))];
        events.extend(typed("q"));
        let farewell = play(session, events, false).await;
        assert_eq!((farewell.cause, farewell.fleet), (Cause::Quit, Fleet::Gone));
        assert!(commands.try_recv().is_err());
    }

    #[tokio::test]
    async fn a_lost_terminal_ends_what_would_not_survive() {
        let World { mut commands, snapshots, session } = world(fixtures::steady(), 8);
        tokio::spawn(async move {
            while let Some(command) = commands.recv().await {
                if matches!(command, Command::End { .. }) {
                    let at = wall_clock() + 1;
                    let _ = snapshots.send(Arc::new(Snapshot { at, ..fixtures::ended() }));
                }
            }
        });
        let farewell = play(session, Vec::new(), true).await;
        assert_eq!((farewell.cause, farewell.fleet), (Cause::TerminalLost, Fleet::Gone));
        assert_eq!(farewell.tasks_left(), 0);
    }
}
