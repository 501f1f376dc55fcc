//! The one module that touches raw mode, the alternate screen and the panic hook.
//!
//! Invariant: whatever ends the dashboard (a return, an error, a panic on any
//! thread, a terminal that went away), the terminal is given back exactly once,
//! and before anything is printed on it. The mouse is left to the person, who may
//! want to select text.

use std::{
    fs::OpenOptions,
    io::{self, IsTerminal, Stdout, stdout},
    mem::ManuallyDrop,
    panic,
    sync::{
        Once,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use crossterm::{
    cursor::Show,
    event::{DisableBracketedPaste, EnableBracketedPaste},
    execute,
    terminal::{
        Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
        enable_raw_mode,
    },
};
use ratatui::{Terminal, backend::CrosstermBackend};

/// How long a terminal that takes nothing may take to be given back.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// Whether the terminal is ours at the moment.
static IS_OURS: AtomicBool = AtomicBool::new(false);
/// Whether a panic took it from us.
static PANICKED: AtomicBool = AtomicBool::new(false);
static HOOK: Once = Once::new();

/// The terminal in our hands; dropping it gives it back.
pub struct Screen {
    // Never dropped: its `drop` prints to standard error when it cannot show the
    // cursor, which is a panic where the terminal is gone. We show it ourselves.
    terminal: ManuallyDrop<Terminal<CrosstermBackend<Stdout>>>,
}

impl Screen {
    /// Takes the terminal over.
    pub fn enter() -> io::Result<Self> {
        if !stdout().is_terminal() {
            return Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "the dashboard needs a terminal, and standard output is none",
            ));
        }
        chain_panic_hook();
        enable_raw_mode()?;
        IS_OURS.store(true, Ordering::SeqCst);
        // Not `Terminal::clear`: it asks where the cursor is, and not every terminal
        // answers.
        let taken =
            execute!(stdout(), EnterAlternateScreen, EnableBracketedPaste, Clear(ClearType::All));
        let screen = taken
            .and_then(|()| Terminal::new(CrosstermBackend::new(stdout())))
            .map(|terminal| Self { terminal: ManuallyDrop::new(terminal) });
        if screen.is_err() {
            restore();
        }
        screen
    }

    /// To draw on.
    pub fn terminal(&mut self) -> &mut Terminal<CrosstermBackend<Stdout>> {
        &mut self.terminal
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

/// Whether a panic somewhere took the screen away, so that nothing must be drawn
/// over its report.
#[must_use]
pub fn is_lost_to_a_panic() -> bool {
    PANICKED.load(Ordering::SeqCst)
}

/// Gives the terminal back, once, however long that takes. Errors are for nobody: it may be gone.
fn restore() {
    if IS_OURS.swap(false, Ordering::SeqCst) {
        let _ = disable_raw_mode();
        let _ = execute!(stdout(), DisableBracketedPaste, LeaveAlternateScreen, Show);
    }
}

/// Gives the terminal back as far as that takes no waiting: for the moment before the
/// process ends although a write to the terminal holds another thread, which has
/// standard output's lock. So this goes through a door of its own, beside us.
pub fn abandon() {
    if IS_OURS.swap(false, Ordering::SeqCst) {
        let _ = disable_raw_mode();
        let (done, told) = mpsc::channel();
        let give_back = move || {
            let terminal = OpenOptions::new().write(true).open("/dev/tty");
            let _ = terminal.and_then(|mut terminal| {
                execute!(terminal, DisableBracketedPaste, LeaveAlternateScreen, Show)
            });
            let _ = done.send(());
        };
        if thread::Builder::new().spawn(give_back).is_ok() {
            let _ = told.recv_timeout(LAST_WORDS);
        }
    }
}

/// Restores before the hook that was there (`color_eyre`'s) prints its report.
fn chain_panic_hook() {
    HOOK.call_once(|| {
        let next = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if IS_OURS.load(Ordering::SeqCst) {
                PANICKED.store(true, Ordering::SeqCst);
            }
            restore();
            next(info);
        }));
    });
}
