//! A part as text.

use std::{
    io::{self, Write},
    time::{Duration, UNIX_EPOCH},
};

use hdrhistogram::serialization::{
    Serializer, V2DeflateSerializer,
    interval_log::{IntervalLogWriter, IntervalLogWriterBuilder, Tag},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{OPENING, Opening, Part, REPORT};
use crate::stats::{Interval, Times, times};

/// What a label keeps in a tag: everything that cannot end the tag or its parts.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'/');
/// Microseconds in the unit of the log's maximum column, which is milliseconds.
const MAX_VALUE_DIVISOR: f64 = 1000.0;

impl Part {
    /// The part as text.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "memory takes all that is written")]
    pub fn encode(&self) -> String {
        let mut text = Vec::new();
        self.write(&mut text).expect("memory takes all, and histograms in their bounds serialize");
        String::from_utf8(text).expect("JSON, Base64 and encoded tags are text")
    }

    fn write(&self, text: &mut Vec<u8>) -> io::Result<()> {
        let opening = Opening {
            task: self.task.clone(),
            number: self.number,
            intervals: self.intervals.len(),
        };
        let mut serializer = V2DeflateSerializer::new();
        let mut builder = IntervalLogWriterBuilder::new();
        builder
            .add_comment(&format!("{OPENING}{}", serde_json::to_string(&opening)?))
            .with_max_value_divisor(MAX_VALUE_DIVISOR);
        if let Some(first) = self.intervals.first() {
            builder.with_start_time(UNIX_EPOCH + Duration::from_millis(first.report.at));
        }
        let mut log = builder.begin_log_with(text, &mut serializer)?;
        let mut scratch = times::histogram();
        for interval in &self.intervals {
            log.write_comment(&format!("{REPORT}{}", serde_json::to_string(&interval.report)?))?;
            for times in &interval.times {
                scratch.reset();
                times.counts.add_to(&mut scratch);
                write_times(&mut log, interval, times, &scratch)?;
            }
        }
        Ok(())
    }
}

fn write_times<W: Write, S: Serializer>(
    log: &mut IntervalLogWriter<'_, '_, W, S>,
    interval: &Interval,
    times: &Times,
    histogram: &times::Histogram,
) -> io::Result<()>
where
    S::SerializeError: std::fmt::Debug,
{
    let tag = tag(times);
    log.write_histogram(
        histogram,
        Duration::from_millis(interval.report.at),
        Duration::from_millis(interval.report.length_ms),
        Tag::new(&tag),
    )
    .map_err(|error| io::Error::other(format!("{error:?}")))
}

fn tag(times: &Times) -> String {
    let mut tag = format!("{}:{}", times.time.as_str(), times.outcome.as_str());
    if !times.label.is_empty() {
        tag.push(':');
        tag.extend(utf8_percent_encode(&times.label, PLAIN));
    }
    tag
}
