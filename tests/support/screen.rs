//! The binary in a pseudo-terminal, and what a person would see there.

use std::{
    io::{Read, Write},
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use super::{DEADLINE, House, LOADTOP};

/// What bytes look like to a person.
pub struct Terminal(vt100::Parser);

impl Terminal {
    pub fn new(columns: u16, rows: u16) -> Self {
        let (columns, rows) = (columns.try_into().unwrap(), rows.try_into().unwrap());
        Self(vt100::Parser::new(rows, columns, 0))
    }

    pub fn take(&mut self, bytes: &[u8]) {
        self.0.process(bytes);
    }

    pub fn resize(&mut self, columns: u16, rows: u16) {
        let (columns, rows) = (columns.try_into().unwrap(), rows.try_into().unwrap());
        self.0.screen_mut().set_size(rows, columns);
    }

    /// What is on it, line by line.
    pub fn text(&self) -> String {
        self.0.screen().contents()
    }
}

/// A program on a terminal.
pub struct Screen {
    terminal: Arc<Mutex<Terminal>>,
    keys: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    /// Takes in what the program says, until nobody has the terminal open.
    reader: JoinHandle<()>,
}

impl Screen {
    /// Starts the binary on a terminal of this size.
    pub fn start(house: &House, arguments: &[&str], columns: u16, rows: u16) -> Self {
        Self::start_with(house, arguments, &[], (columns, rows))
    }

    /// The same with these variables.
    pub fn start_with(
        house: &House,
        arguments: &[&str],
        variables: &[(String, String)],
        size: (u16, u16),
    ) -> Self {
        Self::start_program(house, LOADTOP, arguments, variables, size)
    }

    /// The same with any program.
    pub fn start_program(
        house: &House,
        program: &str,
        arguments: &[&str],
        variables: &[(String, String)],
        (columns, rows): (u16, u16),
    ) -> Self {
        let pair = native_pty_system().openpty(pty_size(columns, rows)).unwrap();
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.env_remove("LOADTOP_CLUSTER");
        for (name, value) in house.environment() {
            command.env(name, value);
        }
        for (name, value) in variables {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        let terminal = Arc::new(Mutex::new(Terminal::new(columns, rows)));
        let mut output = pair.master.try_clone_reader().unwrap();
        let seen = Arc::clone(&terminal);
        let reader = thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                seen.lock().unwrap().take(&bytes[..count]);
            }
        });
        let keys = pair.master.take_writer().unwrap();
        Screen { terminal, keys, child, master: pair.master, reader }
    }

    /// Types.
    pub fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Gives the terminal another size.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        // What comes from now on is for the new size, or for one before it.
        self.terminal.lock().unwrap().resize(columns, rows);
        self.master.resize(pty_size(columns, rows)).unwrap();
    }

    /// Presses and releases the mouse's left button at this column and row, from 0.
    pub fn click(&mut self, (column, row): (u16, u16)) {
        let at = format!("{};{}", column + 1, row + 1);
        self.press(&format!("\x1b[<0;{at}M\x1b[<0;{at}m"));
    }

    /// The column and row where this is on the screen.
    pub fn find(&self, words: &str) -> Option<(u16, u16)> {
        let text = self.text();
        let (row, line) = text.lines().enumerate().find(|(_, line)| line.contains(words))?;
        let column = line[..line.find(words)?].chars().count();
        Some((column.try_into().ok()?, row.try_into().ok()?))
    }

    /// Whether the program has the second screen, beside the one of the shell.
    pub fn is_alternate(&self) -> bool {
        self.terminal.lock().unwrap().0.screen().alternate_screen()
    }

    /// Whether the program is told of the mouse.
    pub fn has_mouse(&self) -> bool {
        let terminal = self.terminal.lock().unwrap();
        terminal.0.screen().mouse_protocol_mode() != vt100::MouseProtocolMode::None
    }

    /// What is on the screen, line by line.
    pub fn text(&self) -> String {
        self.terminal.lock().unwrap().text()
    }

    /// What this cell is written on: the background's colour, and whether it has changed
    /// places with that of the text.
    pub fn ground(&self, (column, row): (u16, u16)) -> Option<(vt100::Color, bool)> {
        let terminal = self.terminal.lock().unwrap();
        let cell = terminal.0.screen().cell(row, column)?;
        Some((cell.bgcolor(), cell.inverse()))
    }

    /// Waits until the screen is as wished.
    pub fn until(&self, what: &str, wished: impl Fn(&str) -> bool) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let text = self.text();
            if wished(&text) {
                return;
            }
            assert!(Instant::now() < deadline, "not in time: {what}; the screen is\n{text}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until nothing moves on it for a moment. A figure may move at any time: this
    /// says that keys had the time to be read one by one, and no more.
    pub fn until_still(&self) {
        let deadline = Instant::now() + DEADLINE;
        let (mut before, mut alike) = (self.text(), 0);
        while alike < 2 {
            assert!(Instant::now() < deadline, "it moves all the time; the screen is\n{before}");
            thread::sleep(Duration::from_millis(20));
            let text = self.text();
            alike = if text == before { alike + 1 } else { 0 };
            before = text;
        }
    }

    /// The process number of the program.
    pub fn pid(&self) -> u32 {
        self.child.process_id().unwrap()
    }

    /// Waits for the end of the program, and until all that it said is on the screen:
    /// its exit code.
    pub fn exit_code(&mut self) -> u32 {
        let deadline = Instant::now() + DEADLINE;
        let mut code = None;
        loop {
            code = code.or_else(|| self.child.try_wait().unwrap().map(|it| it.exit_code()));
            match code {
                Some(code) if self.reader.is_finished() => return code,
                _ => {}
            }
            let how = if code.is_none() { "it does not end" } else { "its terminal stays open" };
            assert!(Instant::now() < deadline, "{how}; the screen is\n{}", self.text());
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Whether the terminal is as a shell wants it: main screen, visible cursor, no
    /// mouse, no bracketed paste, and lines echoed and edited by the system.
    pub fn is_sane(&self) -> bool {
        let terminal = self.terminal.lock().unwrap();
        let screen = terminal.0.screen();
        let cooked = self.master.get_termios().is_none_or(|termios| {
            let termios = format!("{termios:?}");
            termios.contains("ICANON") && termios.contains("ECHO")
        });
        cooked
            && !screen.alternate_screen()
            && !screen.hide_cursor()
            && !screen.bracketed_paste()
            && screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None
    }
}

fn pty_size(columns: u16, rows: u16) -> PtySize {
    PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
