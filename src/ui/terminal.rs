//! The one module that touches raw mode, the alternate screen and the panic hook.
//!
//! Invariant: whatever ends the dashboard (a return, an error, a panic on any
//! thread, a terminal that went away), the terminal is given back exactly once,
//! and before anything is printed on it. Of the mouse only buttons and the wheel are
//! asked for, no motion; with Shift most terminals still select text.

use std::{
    fmt,
    fs::OpenOptions,
    io::{self, IsTerminal, Stdout, Write, stdout},
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
    Command,
    cursor::Show,
    event::{DisableBracketedPaste, EnableBracketedPaste},
    execute,
    terminal::{
        Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
        enable_raw_mode,
    },
};
use ratatui::{
    Terminal,
    backend::{Backend, CrosstermBackend},
};
use rustix::process::{Signal, kill_current_process_group};

/// How long a terminal that takes nothing may take to be given back.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// Whether the terminal is ours at the moment.
static IS_OURS: AtomicBool = AtomicBool::new(false);
/// Whether a panic took it from us.
static PANICKED: AtomicBool = AtomicBool::new(false);
static HOOK: Once = Once::new();

/// Where the dashboard is shown: a terminal that can be given back for a while.
pub trait Stage {
    /// What it is drawn with.
    type Backend: Backend;

    /// To draw on.
    fn terminal(&mut self) -> &mut Terminal<Self::Backend>;

    /// Gives the terminal back with these words on it, and stops this process until it is
    /// called to the foreground; then the terminal is ours again, and empty.
    fn step_aside(&mut self, words: &str) -> io::Result<()>;

    /// Takes the terminal again as whoever had it meanwhile left it. What is on it is
    /// unknown after that.
    fn retake(&mut self) -> io::Result<()>;
}

/// The terminal in our hands; dropping it gives it back.
pub struct Screen {
    // Never dropped: its `drop` prints to standard error when it cannot show the
    // cursor, which is a panic where the terminal is gone. We show it ourselves.
    terminal: ManuallyDrop<Terminal<CrosstermBackend<Stdout>>>,
    has_mouse: bool,
}

impl Screen {
    /// Takes the terminal over, and its mouse if wished.
    pub fn enter(has_mouse: bool) -> io::Result<Self> {
        if !stdout().is_terminal() {
            return Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "the dashboard needs a terminal, and standard output is none",
            ));
        }
        chain_panic_hook();
        let screen = take(has_mouse)
            .and_then(|()| Terminal::new(CrosstermBackend::new(stdout())))
            .map(|terminal| Self { terminal: ManuallyDrop::new(terminal), has_mouse });
        if screen.is_err() {
            restore();
        }
        screen
    }
}

impl Stage for Screen {
    type Backend = CrosstermBackend<Stdout>;

    fn terminal(&mut self) -> &mut Terminal<Self::Backend> {
        &mut self.terminal
    }

    fn step_aside(&mut self, words: &str) -> io::Result<()> {
        restore();
        writeln!(stdout(), "{words}")?;
        // As the terminal itself would do it: whoever started us, such as a script, stops
        // too. We stand still in this call, or go on at once where nobody could call us
        // back (no shell with job control).
        kill_current_process_group(Signal::TSTP)?;
        self.retake()
    }

    fn retake(&mut self) -> io::Result<()> {
        // It may have been changed while we stood still, and who is raw already is not
        // made so again. From the background this stops us until we are in front.
        disable_raw_mode()?;
        take(self.has_mouse)
    }
}

/// Makes the terminal ours.
fn take(has_mouse: bool) -> io::Result<()> {
    enable_raw_mode()?;
    IS_OURS.store(true, Ordering::SeqCst);
    // Not `Terminal::clear`: it asks where the cursor is, and not every terminal
    // answers.
    execute!(stdout(), EnterAlternateScreen, EnableBracketedPaste, Clear(ClearType::All))?;
    if has_mouse { execute!(stdout(), Clicks(true)) } else { Ok(()) }
}

/// Whether the terminal tells of its mouse's buttons and wheel. Not crossterm's own: that
/// asks for every motion, too, and each would wake us up.
struct Clicks(bool);

impl Command for Clicks {
    fn write_ansi(&self, out: &mut impl fmt::Write) -> fmt::Result {
        // 1000: buttons and the wheel; 1006: with coordinates of any size.
        out.write_str(if self.0 { "\x1b[?1000h\x1b[?1006h" } else { "\x1b[?1006l\x1b[?1000l" })
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
        let _ =
            execute!(stdout(), Clicks(false), DisableBracketedPaste, LeaveAlternateScreen, Show);
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
                execute!(terminal, Clicks(false), DisableBracketedPaste, LeaveAlternateScreen, Show)
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
