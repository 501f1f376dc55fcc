//! The binary in a pseudo-terminal, and what a person would see there.

use std::{
    io::{Read, Write},
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use super::{DEADLINE, House, LOADTOP};

/// A program on a terminal.
pub struct Screen {
    terminal: Arc<Mutex<vt100::Parser>>,
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
        (columns, rows): (u16, u16),
    ) -> Self {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(LOADTOP);
        command.args(arguments);
        command.env_remove("LOADTOP_CLUSTER");
        for (name, value) in house.environment() {
            command.env(name, value);
        }
        for (name, value) in variables {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        let terminal = Arc::new(Mutex::new(vt100::Parser::new(
            rows.try_into().unwrap(),
            columns.try_into().unwrap(),
            0,
        )));
        let mut output = pair.master.try_clone_reader().unwrap();
        let seen = Arc::clone(&terminal);
        let reader = thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                seen.lock().unwrap().process(&bytes[..count]);
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

    /// What is on the screen, line by line.
    pub fn text(&self) -> String {
        self.terminal.lock().unwrap().screen().contents()
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
        let screen = terminal.screen();
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

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
