//! The loop, on terminals and with events that behave as told.

use std::task::{Context, Waker};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use futures_util::stream;
use ratatui::{backend::TestBackend, buffer::Cell, layout::Rect};
use tokio::time::timeout;

use super::*;
use crate::app::{
    effect::{Cause, Fleet},
    fixtures,
    view::View,
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

/// A terminal in memory, on which others write while it is theirs.
struct Boards {
    terminal: Terminal<TestBackend>,
    /// What was said on it whenever it was given back.
    said: Vec<String>,
}

impl Boards {
    fn new() -> Self {
        let terminal = Terminal::new(TestBackend::new(80, 24)).expect("cannot fail");
        Self { terminal, said: Vec::new() }
    }

    /// Somebody writes over what is there.
    fn scribble(&mut self) {
        let mut cell = Cell::EMPTY;
        cell.set_symbol("Ж");
        let cells = (0..24).flat_map(|y| (0..80).map(move |x| (x, y)));
        self.terminal.backend_mut().draw(cells.map(|(x, y)| (x, y, &cell))).expect("cannot fail");
    }

    fn text(&self) -> String {
        self.terminal.backend().to_string()
    }
}

impl Stage for Boards {
    type Backend = TestBackend;

    fn terminal(&mut self) -> &mut Terminal<TestBackend> {
        &mut self.terminal
    }

    fn step_aside(&mut self, words: &str) -> io::Result<()> {
        self.said.push(words.to_owned());
        self.retake()
    }

    fn retake(&mut self) -> io::Result<()> {
        self.scribble();
        Ok(())
    }
}

/// Runs it on these events; after them the terminal is silent, or gone.
async fn play(session: Session, events: Vec<io::Result<Event>>, is_gone: bool) -> Farewell {
    play_on(&mut Boards::new(), session, events, is_gone).await
}

async fn play_on(
    stage: &mut Boards,
    session: Session,
    events: Vec<io::Result<Event>>,
    is_gone: bool,
) -> Farewell {
    let signals = Signals::listen().expect("a runtime is on");
    let silence = stream::pending().take(usize::from(!is_gone));
    let input = Box::pin(stream::iter(events).chain(silence));
    timeout(Duration::from_secs(20), session.run(stage, input, signals))
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

#[tokio::test]
async fn ctrl_z_gives_the_terminal_back_and_says_what_that_means() {
    let World { commands: _commands, snapshots, session } = world(fixtures::steady(), 8);
    drop(snapshots);
    let key = KeyEvent::new(KeyCode::Char('z'), KeyModifiers::CONTROL);
    let mut stage = Boards::new();
    let farewell = play_on(&mut stage, session, vec![Ok(Event::Key(key))], false).await;
    assert_eq!(farewell.cause, Cause::ControllerLost);
    assert_eq!(stage.said.len(), 1, "{:?}", stage.said);
    assert!(stage.said[0].contains("fg brings it back. Its cloud stands still meanwhile"));
}

#[tokio::test]
async fn whatever_was_on_the_terminal_the_next_picture_is_whole() {
    let World { commands: _commands, snapshots: _snapshots, mut session } =
        world(fixtures::steady(), 8);
    let mut stage = Boards::new();
    let is_whole = |stage: &Boards| !stage.text().contains('Ж') && stage.text().contains("loadtop");
    assert!(session.draw(stage.terminal()));
    assert!(is_whole(&stage), "{}", stage.text());
    stage.scribble();
    assert!(session.draw(stage.terminal()));
    assert!(!is_whole(&stage), "nobody said that it was damaged");
    assert!(session.take_input(Some(&Ok(Event::Resize(80, 24)))));
    assert!(session.draw(stage.terminal()));
    assert!(is_whole(&stage), "{}", stage.text());
    let taken = stage.retake();
    assert!(session.come_back(&taken));
    assert!(session.draw(stage.terminal()));
    assert!(is_whole(&stage), "{}", stage.text());
}

#[tokio::test]
async fn a_click_means_what_is_seen_there() {
    let World { commands: _commands, snapshots: _snapshots, mut session } =
        world(fixtures::steady(), 8);
    session.hits.click(Rect::new(5, 5, 3, 1), Action::Show(View::Tasks));
    let click = |column| {
        let kind = MouseEventKind::Down(MouseButton::Left);
        let modifiers = KeyModifiers::NONE;
        Ok(Event::Mouse(MouseEvent { kind, column, row: 5, modifiers }))
    };
    assert!(session.take_input(Some(&click(4))));
    assert_eq!((session.app.view, session.pace.due()), (View::Overview, None));
    assert!(session.take_input(Some(&click(5))));
    assert_eq!(session.app.view, View::Tasks);
    assert!(session.pace.due().is_some());
}

#[tokio::test]
async fn what_was_recorded_is_named_on_the_way_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("a.cast");
    let World { commands: _commands, snapshots, mut session } = world(fixtures::empty(), 8);
    session.recorder = Recorder::new(Some(file.clone()));
    let watching = file.clone();
    let controller = tokio::spawn(async move {
        let begun = || std::fs::read_to_string(&watching).is_ok_and(|it| it.lines().count() > 1);
        let mut look = tokio::time::interval(Duration::from_millis(5));
        let watched = async {
            while !begun() {
                look.tick().await;
            }
        };
        timeout(Duration::from_secs(20), watched).await.expect("it is recorded in time");
        drop(snapshots);
    });
    let farewell = play(session, Vec::new(), false).await;
    controller.await.expect("no panic");
    assert_eq!(farewell.recorded, Some(file.display().to_string()));
}

#[tokio::test]
async fn whoever_drains_the_keys_is_woken_by_the_next_one() {
    let World { commands: _commands, snapshots: _snapshots, mut session } =
        world(fixtures::steady(), 8);
    let mut events = typed("ll");
    let mut asked = Vec::new();
    let mut input = stream::poll_fn(|cx: &mut Context<'_>| {
        if let Some(event) = events.pop() {
            return Poll::Ready(Some(event));
        }
        asked.push(cx.waker().clone());
        Poll::Pending
    });
    assert!(session.drain(&mut input).await);
    assert_eq!(asked.len(), 1);
    assert!(!asked[0].will_wake(Waker::noop()));
}
