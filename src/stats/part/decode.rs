//! A part from its text, which may be anything.

use std::io::Read;

use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::read::ZlibDecoder;
use hdrhistogram::serialization::{
    Deserializer,
    interval_log::{IntervalLogHistogram, IntervalLogIterator, LogEntry},
};
use percent_encoding::percent_decode_str;

use super::{BadPart, OPENING, Opening, Part, REPORT};
use crate::stats::{
    Counts, Interval, Outcome, Report, Time, Times,
    times::{DIGITS, HIGHEST_US, Histogram, LOWEST_US},
};

/// The longest serialized histogram that our bounds allow, in bytes: every count of
/// it in the longest spelling, and the header.
const LONGEST: u64 = 9 * 24_000 + 64;
/// What a compressed V2 histogram begins with.
const COMPRESSED: [u8; 4] = 0x1c84_9314_u32.to_be_bytes();
/// What a plain V2 histogram begins with.
const PLAIN: [u8; 4] = 0x1c84_9313_u32.to_be_bytes();

impl Part {
    /// Reads a part's text back.
    pub fn parse(text: &str) -> Result<Part, BadPart> {
        let mut lines = text.split_inclusive('\n').zip(1..);
        let opening: Opening = lines
            .next()
            .and_then(|(line, _)| line.strip_prefix('#')?.strip_prefix(OPENING))
            .and_then(|json| serde_json::from_str(json).ok())
            .ok_or_else(|| bad(1, "a part of results begins with its task and number"))?;
        let mut part = Part { task: opening.task, number: opening.number, intervals: Vec::new() };
        let mut last = 1;
        for (line, number) in lines {
            last = number;
            part.take(line).map_err(|what| BadPart { line: number, what })?;
        }
        if part.intervals.len() != opening.intervals {
            let (says, has) = (opening.intervals, part.intervals.len());
            return Err(bad(last, &format!("it should have {says} intervals and has {has}")));
        }
        Ok(part)
    }

    fn take(&mut self, line: &str) -> Result<(), String> {
        if let Some(json) = line.strip_prefix('#').and_then(|line| line.strip_prefix(REPORT)) {
            let report: Report = serde_json::from_str(json).map_err(|error| error.to_string())?;
            self.intervals.push(Interval { report, times: Vec::new() });
            return Ok(());
        }
        match IntervalLogIterator::new(line.as_bytes()).next() {
            Some(Ok(LogEntry::Interval(entry))) => {
                let interval = self.intervals.last_mut().ok_or("a histogram before any report")?;
                interval.times.push(times(&entry)?);
                Ok(())
            }
            // Headers and comments of the log's own.
            Some(Ok(_)) | None => Ok(()),
            Some(Err(_)) => Err("neither a histogram nor a comment".to_owned()),
        }
    }
}

fn bad(line: usize, what: &str) -> BadPart {
    BadPart { line, what: what.to_owned() }
}

fn times(entry: &IntervalLogHistogram<'_>) -> Result<Times, String> {
    let tag = entry.tag().map(|tag| tag.as_str()).unwrap_or_default();
    let (time, outcome, label) =
        tag_parts(tag).ok_or_else(|| format!("`{tag}` is not TIME:OUTCOME:LABEL"))?;
    let histogram = histogram(entry.encoded_histogram())
        .ok_or("not a histogram of microseconds up to an hour with three digits")?;
    Ok(Times { label, time, outcome, counts: Counts::from(&histogram) })
}

fn tag_parts(tag: &str) -> Option<(Time, Outcome, String)> {
    let mut parts = tag.splitn(3, ':');
    let (time, outcome) = (parts.next()?, parts.next()?);
    let time = Time::ALL.into_iter().find(|it| it.as_str() == time)?;
    let outcome = Outcome::ALL.into_iter().find(|it| it.as_str() == outcome)?;
    let label = percent_decode_str(parts.next().unwrap_or_default()).decode_utf8().ok()?;
    Some((time, outcome, label.into_owned()))
}

/// Checks what the deserializer trusts: it reserves as much memory as a header asks
/// for, so the header is ours to the bit and the payload no longer than it can be.
fn histogram(encoded: &str) -> Option<Histogram> {
    let bytes = STANDARD.decode(encoded).ok()?;
    let compressed = bytes.strip_prefix(&COMPRESSED)?.get(4..)?;
    let mut plain = Vec::new();
    ZlibDecoder::new(compressed).take(LONGEST).read_to_end(&mut plain).ok()?;
    let rest = plain.strip_prefix(&PLAIN)?;
    let (header, payload) = rest.split_at_checked(36)?;
    let length = u32::from_be_bytes(header[..4].try_into().ok()?);
    let digits = u32::from_be_bytes(header[8..12].try_into().ok()?);
    let lowest = u64::from_be_bytes(header[12..20].try_into().ok()?);
    let highest = u64::from_be_bytes(header[20..28].try_into().ok()?);
    let ours = (length as usize, digits, lowest, highest)
        == (payload.len(), u32::from(DIGITS), LOWEST_US, HIGHEST_US);
    ours.then(|| Deserializer::new().deserialize(&mut plain.as_slice()).ok())?
}
