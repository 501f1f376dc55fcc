//! A part from its text, which may be anything.

use std::io::Read;

use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::read::ZlibDecoder;
use hdrhistogram::serialization::interval_log::{
    IntervalLogHistogram, IntervalLogIterator, LogEntry,
};
use percent_encoding::percent_decode_str;

use super::{BadPart, OPENING, Opening, Part, REPORT};
use crate::stats::{
    Counts, Interval, Outcome, Report, Time, Times,
    times::{DIGITS, HIGHEST_US, LOWEST_US},
};

/// The longest serialized histogram that our bounds allow, in bytes: every count of
/// it in the longest spelling, and the header.
const LONGEST: u64 = 9 * 24_000 + 64;
/// How many counts a histogram with our bounds has room for.
const PLACES: u64 = 23 * 1024;
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
    let counts = counts(entry.encoded_histogram())
        .ok_or("not a histogram of microseconds up to an hour with three digits")?;
    Ok(Times { label, time, outcome, counts })
}

fn tag_parts(tag: &str) -> Option<(Time, Outcome, String)> {
    let mut parts = tag.splitn(3, ':');
    let (time, outcome) = (parts.next()?, parts.next()?);
    let time = Time::ALL.into_iter().find(|it| it.as_str() == time)?;
    let outcome = Outcome::ALL.into_iter().find(|it| it.as_str() == outcome)?;
    let label = percent_decode_str(parts.next().unwrap_or_default()).decode_utf8().ok()?;
    Some((time, outcome, label.into_owned()))
}

/// The counts of a histogram with our bounds. They are read as they are written: a
/// histogram has room for 23,552 counts, of which some hundred are there.
fn counts(encoded: &str) -> Option<Counts> {
    let bytes = STANDARD.decode(encoded).ok()?;
    let compressed = bytes.strip_prefix(&COMPRESSED)?.get(4..)?;
    let mut plain = Vec::new();
    ZlibDecoder::new(compressed).take(LONGEST).read_to_end(&mut plain).ok()?;
    let rest = plain.strip_prefix(&PLAIN)?;
    let (header, mut payload) = rest.split_at_checked(36)?;
    let length = u32::from_be_bytes(header[..4].try_into().ok()?);
    let offset = u32::from_be_bytes(header[4..8].try_into().ok()?);
    let digits = u32::from_be_bytes(header[8..12].try_into().ok()?);
    let lowest = u64::from_be_bytes(header[12..20].try_into().ok()?);
    let highest = u64::from_be_bytes(header[20..28].try_into().ok()?);
    let ratio = u64::from_be_bytes(header[28..36].try_into().ok()?);
    let ours = (length as usize, offset, digits, lowest, highest, ratio)
        == (payload.len(), 0, u32::from(DIGITS), LOWEST_US, HIGHEST_US, 1.0_f64.to_bits());
    if !ours {
        return None;
    }
    let (mut place, mut pairs) = (0, Vec::new());
    while !payload.is_empty() {
        // A count, or how many counts in a row are zero, as a negative number.
        let number = number(&mut payload)?;
        if number > 0 && place < PLACES {
            pairs.push((highest_at(place), number.unsigned_abs()));
        }
        place += if number < 0 { number.unsigned_abs() } else { 1 };
        if place > PLACES {
            return None;
        }
    }
    Some(Counts::ascending(pairs))
}

/// The next number: seven bits a byte, the ninth byte whole, the sign in the lowest bit.
fn number(bytes: &mut &[u8]) -> Option<i64> {
    let mut value = 0;
    for place in 0..9 {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let last = place == 8 || byte < 0x80;
        let bits = if place == 8 { byte } else { byte & 0x7f };
        value |= u64::from(bits) << (7 * place);
        if last {
            break;
        }
    }
    Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
}

/// The longest time, in microseconds, that is counted at a place of a histogram: 2,048
/// places of a microsecond, then 1,024 for each octave.
fn highest_at(place: u64) -> u64 {
    let shift = (place / 1024).saturating_sub(1);
    ((place - shift * 1024 + 1) << shift) - 1
}

#[cfg(test)]
mod tests {
    use hdrhistogram::serialization::{Deserializer, Serializer, V2DeflateSerializer};
    use proptest::prelude::*;

    use super::*;
    use crate::stats::times::{Histogram, histogram};

    #[test]
    fn places_are_those_of_the_histogram() {
        assert_eq!(PLACES, histogram().distinct_values() as u64);
    }

    proptest! {
        #[test]
        fn counts_are_what_the_histogram_library_reads(
            times in prop::collection::vec((0..=2 * HIGHEST_US, 1u64..1 << 50), 0..200),
        ) {
            let mut recorded = histogram();
            for (micros, count) in times {
                recorded.saturating_record_n(micros, count);
            }
            let mut bytes = Vec::new();
            V2DeflateSerializer::new().serialize(&recorded, &mut bytes).expect("serialized");
            let read: Histogram =
                Deserializer::new().deserialize(&mut bytes.as_slice()).expect("read");
            prop_assert_eq!(counts(&STANDARD.encode(&bytes)), Some(Counts::from(&read)));
        }
    }
}
