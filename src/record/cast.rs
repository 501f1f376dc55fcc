//! A recording of the screen: an asciicast (version 2), as asciinema plays it.
//!
//! Invariant: whoever records is never held up. Each frame is the difference to the last
//! one that the writer took, so one that it has no room for is left out, and the next
//! makes up for it. Every event is a line of its own that is written at once: what was
//! recorded can be played even if we were killed. Nothing is in it but what was shown.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::mpsc::{self, Receiver, SyncSender, TrySendError},
    thread::{self, JoinHandle},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use ratatui::{
    backend::{Backend, CrosstermBackend},
    buffer::{Buffer, Cell},
    layout::Size,
};

/// Frames that may wait for the disk.
const QUEUE: usize = 32;
/// What a picture begins with that nothing is known of: no cursor, nothing there.
const AFRESH: &[u8] = b"\x1b[?25l\x1b[0m\x1b[2J";

/// What became of a recording.
#[derive(Debug)]
pub enum Told {
    /// Its file is there.
    Begun,
    /// It was ended, and all of it is in the file.
    Ended,
    /// It cannot be written; nothing more will be.
    Failed(io::Error),
}

/// A recording that is on.
#[derive(Debug)]
pub struct Cast {
    began: Instant,
    /// The last picture that the writer took; none: it has none yet.
    last: Option<Buffer>,
    frames: SyncSender<Frame>,
    writer: JoinHandle<()>,
}

/// What has changed on the screen.
#[derive(Debug)]
struct Frame {
    /// Since the recording began.
    after: Duration,
    /// Where the screen has another size now.
    resized: Option<Size>,
    /// What a terminal is to be sent.
    output: String,
}

impl Cast {
    /// Begins a recording of a screen of this size in a new file; `tell` hears what
    /// becomes of it, on the writer's thread. A file that is there already is left
    /// alone: that is a failure.
    pub fn begin(
        path: PathBuf,
        size: Size,
        tell: impl Fn(Told) + Send + 'static,
    ) -> io::Result<Self> {
        let (frames, taken) = mpsc::sync_channel(QUEUE);
        let header = header(size, SystemTime::now());
        let write = move || {
            tell(match write(&path, &header, &taken, || tell(Told::Begun)) {
                Ok(()) => Told::Ended,
                Err(error) => Told::Failed(error),
            });
        };
        let writer = thread::Builder::new().name("recording".to_owned()).spawn(write)?;
        Ok(Self { began: Instant::now(), last: None, frames, writer })
    }

    /// Takes what is on the screen now.
    pub fn frame(&mut self, picture: &Buffer) {
        let resized = self.last.as_ref().filter(|last| last.area != picture.area);
        let resized = resized.map(|_| picture.area.as_size());
        let before = self.last.as_ref().filter(|_| resized.is_none());
        let output = difference(before, picture);
        if output.is_empty() {
            return;
        }
        let frame = Frame { after: self.began.elapsed(), resized, output };
        match self.frames.try_send(frame) {
            Ok(()) => match &mut self.last {
                Some(last) => last.clone_from(picture),
                None => self.last = Some(picture.clone()),
            },
            // The next difference covers this one; a writer that is gone has said why.
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {}
        }
    }

    /// Ends it: what was taken is still written, by the thread of the answer.
    #[must_use]
    pub fn end(self) -> JoinHandle<()> {
        self.writer
    }
}

/// The name of a recording that begins at this time: `loadtop-20261125-191546.cast`.
#[must_use]
pub fn file_name(at: SystemTime) -> String {
    let text = humantime::format_rfc3339_seconds(at).to_string();
    let stamp = text.replace(['-', ':', 'Z'], "").replace('T', "-");
    format!("loadtop-{stamp}.cast")
}

/// What makes `before` look like `after` on a terminal; all of it where nothing was
/// there.
fn difference(before: Option<&Buffer>, after: &Buffer) -> String {
    let mut output = Vec::new();
    let blank;
    let before = if let Some(before) = before {
        before
    } else {
        output.extend_from_slice(AFRESH);
        blank = Buffer::empty(after.area);
        &blank
    };
    let changed: Vec<(u16, u16, &Cell)> = before.diff(after);
    if !changed.is_empty() {
        // Into memory: that cannot fail.
        let _ = CrosstermBackend::new(&mut output).draw(changed.into_iter());
    }
    String::from_utf8_lossy(&output).into_owned()
}

fn header(size: Size, at: SystemTime) -> String {
    let timestamp = at.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    serde_json::json!({
        "version": 2,
        "width": size.width,
        "height": size.height,
        "timestamp": timestamp,
        "title": "loadtop",
    })
    .to_string()
}

/// Writes until nobody records any more.
fn write(
    path: &Path,
    header: &str,
    frames: &Receiver<Frame>,
    begun: impl FnOnce(),
) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    line(&mut file, header)?;
    begun();
    for frame in frames {
        if let Some(size) = frame.resized {
            event(&mut file, frame.after, "r", &format!("{}x{}", size.width, size.height))?;
        }
        event(&mut file, frame.after, "o", &frame.output)?;
    }
    Ok(())
}

fn event(file: &mut File, after: Duration, kind: &str, data: &str) -> io::Result<()> {
    // To the microsecond, as asciinema does.
    let seconds = after.as_micros() as f64 / 1e6;
    line(file, &serde_json::to_string(&(seconds, kind, data))?)
}

fn line(file: &mut File, text: &str) -> io::Result<()> {
    // One call, so that there is never half a line where the process ends.
    file.write_all(format!("{text}\n").as_bytes())
}

#[cfg(test)]
mod tests {
    use std::num::NonZero;

    use ratatui::{
        layout::Rect,
        style::{Color, Modifier, Style},
    };

    use super::*;

    fn terminal(columns: u16, rows: u16) -> vt100::Parser {
        let size = |it| NonZero::new(it).expect("not empty");
        vt100::Parser::new(size(rows), size(columns), 0)
    }

    fn record(pictures: &[Buffer]) -> (String, Vec<String>) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.cast");
        let (tell, told) = mpsc::channel();
        let tell = move |it| tell.send(format!("{it:?}")).expect("it is listened to");
        let mut cast = Cast::begin(path.clone(), pictures[0].area.as_size(), tell).expect("begun");
        for picture in pictures {
            cast.frame(picture);
        }
        cast.end().join().expect("no panic");
        (std::fs::read_to_string(path).expect("written"), told.iter().collect())
    }

    fn picture(width: u16, words: &[(u16, u16, &str, Style)]) -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, 4));
        for (x, y, text, style) in words {
            buffer.set_string(*x, *y, text, *style);
        }
        buffer
    }

    /// What a terminal shows after all of it.
    fn play(cast: &str) -> vt100::Parser {
        let mut lines = cast.lines();
        let header: serde_json::Value =
            serde_json::from_str(lines.next().expect("a header")).expect("JSON");
        assert_eq!(header["version"], 2);
        let size = |it: &serde_json::Value| it.as_u64().expect("a number") as u16;
        let mut terminal = terminal(size(&header["width"]), size(&header["height"]));
        let mut before = 0.0;
        for line in lines {
            let (at, kind, data): (f64, String, String) =
                serde_json::from_str(line).expect("an event");
            assert!(at >= before);
            before = at;
            if kind == "r" {
                let (width, height) = data.split_once('x').expect("a size");
                let parse = |it: &str| it.parse().expect("a number");
                terminal.screen_mut().set_size(parse(height), parse(width));
            } else {
                terminal.process(data.as_bytes());
            }
        }
        terminal
    }

    /// All that can be seen.
    fn cells(terminal: &vt100::Parser) -> Vec<(String, vt100::Color, bool)> {
        let (rows, columns) = terminal.screen().size();
        let places = (0..rows.get()).flat_map(|y| (0..columns.get()).map(move |x| (y, x)));
        let cells = places.map(|(y, x)| terminal.screen().cell(y, x).expect("in the screen"));
        // Nothing, and a blank, look the same.
        let text =
            |it: &vt100::Cell| if it.has_contents() { it.contents() } else { " " }.to_owned();
        cells.map(|it| (text(it), it.fgcolor(), it.bold())).collect()
    }

    #[test]
    fn what_is_played_is_what_was_shown() {
        let red = Style::new().fg(Color::Red).add_modifier(Modifier::BOLD);
        let plain = Style::new();
        let pictures = [
            picture(20, &[(0, 0, "one", red), (3, 2, "ラーメン", plain)]),
            picture(20, &[(0, 0, "one", plain), (3, 2, "ラー", red), (0, 3, "│ x", plain)]),
            picture(30, &[(25, 1, "wide", red)]),
            picture(12, &[(0, 0, "narrow", plain), (2, 1, "é", red)]),
        ];
        for count in 1..=pictures.len() {
            let (cast, told) = record(&pictures[..count]);
            assert_eq!(told, ["Begun", "Ended"]);
            let shown = play(&cast);
            let mut expected = terminal(pictures[count - 1].area.width, 4);
            expected.process(difference(None, &pictures[count - 1]).as_bytes());
            assert_eq!(cells(&shown), cells(&expected), "after {count}");
        }
    }

    #[test]
    fn nothing_is_written_while_nothing_changes() {
        let still = picture(20, &[(0, 0, "still", Style::new())]);
        let (cast, _) = record(&[still.clone(), still.clone(), still]);
        assert_eq!(cast.lines().count(), 2);
    }

    #[test]
    fn a_frame_that_had_no_room_is_made_up_for() {
        let (frames, taken) = mpsc::sync_channel(1);
        let writer = thread::spawn(|| {});
        let mut cast = Cast { began: Instant::now(), last: None, frames, writer };
        let pictures = ["one", "two", "three"].map(|it| picture(20, &[(0, 0, it, Style::new())]));
        cast.frame(&pictures[0]);
        cast.frame(&pictures[1]);
        let mut terminal = terminal(20, 4);
        terminal.process(taken.recv().expect("the first").output.as_bytes());
        cast.frame(&pictures[2]);
        terminal.process(taken.recv().expect("the third").output.as_bytes());
        assert_eq!(terminal.screen().contents(), "three");
    }

    #[test]
    fn no_file_is_overwritten() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("mine.cast");
        std::fs::write(&path, "mine").expect("written");
        let (tell, told) = mpsc::channel();
        let tell = move |it| tell.send(it).expect("it is listened to");
        let cast = Cast::begin(path.clone(), Size::new(20, 4), tell).expect("begun");
        cast.end().join().expect("no panic");
        let told: Vec<Told> = told.iter().collect();
        assert!(
            matches!(&told[..], [Told::Failed(why)] if why.kind() == io::ErrorKind::AlreadyExists)
        );
        assert_eq!(std::fs::read_to_string(path).expect("there"), "mine");
    }

    #[test]
    fn a_name_says_when_it_began() {
        let at = UNIX_EPOCH + Duration::from_secs(1_764_098_146);
        assert_eq!(file_name(at), "loadtop-20251125-191546.cast");
    }
}
