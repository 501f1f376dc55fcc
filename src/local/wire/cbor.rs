//! Smithy RPC v2 CBOR: CloudWatch.
//!
//! Invariant: this file alone knows of CBOR. A body may come gzipped, and is not
//! unpacked beyond the limit that holds for all bodies.

use std::{borrow::Cow, io::Read, sync::Arc};

use aws_smithy_cbor::{Decoder, Encoder, data::Type, decode::DeserializeError};
use aws_smithy_types::DateTime;
use flate2::read::MultiGzDecoder;
use http::{HeaderName, HeaderValue, header};

use super::{Answer, Call, MOST_BODY, reply, text};
use crate::{
    local::{
        engine::{
            ApiError,
            metrics::{
                Datum, GetMetricData, MetricStat, PutMetricData, Query, Series, StatisticSet,
            },
        },
        shell::Shell,
    },
    model::Millis,
};

const PATH: &str = "/service/GraniteServiceVersion20100801/operation/";
const KIND: &str = "application/cbor";

type Decoded<T> = Result<T, DeserializeError>;

pub(super) fn answer(shell: &Arc<Shell>, call: &Call) -> Result<Answer, ApiError> {
    let body = unpacked(call)?;
    match operation(call) {
        "PutMetricData" => {
            let request = put_metric_data(&mut Decoder::new(&body)).map_err(malformed)?;
            shell.metrics(|metrics, now| metrics.put(request, now))?;
            Ok(respond(200, Encoder::new(Vec::new()).map(0)))
        }
        "GetMetricData" => {
            let request = get_metric_data(&mut Decoder::new(&body)).map_err(malformed)?;
            let series = shell.metrics(|metrics, now| metrics.get(&request, now))?;
            let mut encoder = Encoder::new(Vec::new());
            write_series(&mut encoder, &series);
            Ok(respond(200, &encoder))
        }
        other => {
            let message = format!("The local cloud does not know the operation '{other}'.");
            Err(ApiError::new("UnknownOperationException", 404, message))
        }
    }
}

/// What is asked for; empty if that is nothing of CloudWatch's.
pub(super) fn operation(call: &Call) -> &str {
    call.parts.uri.path().strip_prefix(PATH).unwrap_or_default()
}

pub(super) fn refuse(error: &ApiError) -> Answer {
    let mut encoder = Encoder::new(Vec::new());
    encoder.map(2).str("__type").str(error.code).str("message").str(&error.message);
    let mut answer = respond(error.status, &encoder);
    let side = if error.status < 500 { "Sender" } else { "Receiver" };
    // CloudWatch spoke Query once; its clients still look for the code here first.
    if let Ok(value) = HeaderValue::from_str(&format!("{};{side}", error.code)) {
        answer.headers_mut().insert(HeaderName::from_static("x-amzn-query-error"), value);
    }
    answer
}

fn respond(status: u16, encoder: &Encoder) -> Answer {
    let mut answer = reply(status, KIND, encoder.clone().into_writer());
    let protocol = HeaderName::from_static("smithy-protocol");
    answer.headers_mut().insert(protocol, HeaderValue::from_static("rpc-v2-cbor"));
    answer
}

fn unpacked(call: &Call) -> Result<Cow<'_, [u8]>, ApiError> {
    match text(&call.parts.headers, header::CONTENT_ENCODING.as_str()) {
        None => Ok(Cow::Borrowed(&call.body[..])),
        Some("gzip") => {
            let mut body = Vec::new();
            let mut plain = MultiGzDecoder::new(&call.body[..]).take(MOST_BODY as u64 + 1);
            match plain.read_to_end(&mut body) {
                Ok(length) if length <= MOST_BODY => Ok(Cow::Owned(body)),
                Ok(_) => Err(ApiError::new(
                    "RequestEntityTooLarge",
                    413,
                    "The request is larger than 16 MiB.",
                )),
                Err(error) => Err(ApiError::new("SerializationException", 400, error.to_string())),
            }
        }
        Some(_) => Err(ApiError::new("UnsupportedMediaType", 415, "Only gzip is understood.")),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err hands over")]
fn malformed(error: DeserializeError) -> ApiError {
    ApiError::new("SerializationException", 400, error.to_string())
}

fn put_metric_data(decoder: &mut Decoder<'_>) -> Decoded<PutMetricData> {
    let mut request = PutMetricData::default();
    fields(decoder, |name, decoder| {
        match name {
            "Namespace" => request.namespace = decoder.string()?,
            "MetricData" => request.data = list(decoder, datum)?,
            _ => decoder.skip()?,
        }
        Ok(())
    })?;
    Ok(request)
}

fn datum(decoder: &mut Decoder<'_>) -> Decoded<Datum> {
    let mut datum = Datum::default();
    fields(decoder, |name, decoder| {
        match name {
            "MetricName" => datum.name = decoder.string()?,
            "Dimensions" => datum.dimensions = list(decoder, dimension)?,
            "Timestamp" => datum.at = Some(moment(decoder)?),
            "Value" => datum.value = Some(number(decoder)?),
            "Values" => datum.values = list(decoder, number)?,
            "Counts" => datum.counts = list(decoder, number)?,
            "StatisticValues" => datum.statistics = Some(statistic_set(decoder)?),
            "StorageResolution" => datum.resolution = Some(decoder.long()?),
            _ => decoder.skip()?,
        }
        Ok(())
    })?;
    Ok(datum)
}

fn statistic_set(decoder: &mut Decoder<'_>) -> Decoded<StatisticSet> {
    let mut set = StatisticSet::default();
    fields(decoder, |name, decoder| {
        match name {
            "SampleCount" => set.count = number(decoder)?,
            "Sum" => set.sum = number(decoder)?,
            "Minimum" => set.min = number(decoder)?,
            "Maximum" => set.max = number(decoder)?,
            _ => decoder.skip()?,
        }
        Ok(())
    })?;
    Ok(set)
}

fn dimension(decoder: &mut Decoder<'_>) -> Decoded<(String, String)> {
    let (mut name, mut value) = (String::new(), String::new());
    fields(decoder, |field, decoder| {
        match field {
            "Name" => name = decoder.string()?,
            "Value" => value = decoder.string()?,
            _ => decoder.skip()?,
        }
        Ok(())
    })?;
    Ok((name, value))
}

fn get_metric_data(decoder: &mut Decoder<'_>) -> Decoded<GetMetricData> {
    let mut request = GetMetricData { descending: true, ..GetMetricData::default() };
    fields(decoder, |name, decoder| {
        match name {
            "StartTime" => request.start = moment(decoder)?,
            "EndTime" => request.end = moment(decoder)?,
            "ScanBy" => request.descending = decoder.str()? != "TimestampAscending",
            "MetricDataQueries" => request.queries = list(decoder, query)?,
            _ => decoder.skip()?,
        }
        Ok(())
    })?;
    Ok(request)
}

fn query(decoder: &mut Decoder<'_>) -> Decoded<Query> {
    let mut query = Query::default();
    fields(decoder, |name, decoder| {
        match name {
            "Id" => query.id = decoder.string()?,
            "Label" => query.label = Some(decoder.string()?),
            "ReturnData" => query.hidden = !decoder.boolean()?,
            "MetricStat" => query.metric = Some(metric_stat(decoder)?),
            _ => decoder.skip()?,
        }
        Ok(())
    })?;
    Ok(query)
}

fn metric_stat(decoder: &mut Decoder<'_>) -> Decoded<MetricStat> {
    let mut stat = MetricStat::default();
    fields(decoder, |name, decoder| {
        match name {
            "Metric" => fields(decoder, |name, decoder| {
                match name {
                    "Namespace" => stat.namespace = decoder.string()?,
                    "MetricName" => stat.name = decoder.string()?,
                    "Dimensions" => stat.dimensions = list(decoder, dimension)?,
                    _ => decoder.skip()?,
                }
                Ok(())
            })?,
            "Period" => stat.period_s = decoder.long()?,
            "Stat" => stat.stat = decoder.string()?,
            _ => decoder.skip()?,
        }
        Ok(())
    })?;
    Ok(stat)
}

/// A map's fields; those that are null are as if they were not there.
fn fields(
    decoder: &mut Decoder<'_>,
    mut field: impl FnMut(&str, &mut Decoder<'_>) -> Decoded<()>,
) -> Decoded<()> {
    let mut left = decoder.map()?;
    while goes_on(decoder, &mut left)? {
        let name = decoder.str()?;
        if decoder.datatype()? == Type::Null {
            decoder.null()?;
        } else {
            field(&name, decoder)?;
        }
    }
    Ok(())
}

fn list<T>(
    decoder: &mut Decoder<'_>,
    mut item: impl FnMut(&mut Decoder<'_>) -> Decoded<T>,
) -> Decoded<Vec<T>> {
    let mut left = decoder.list()?;
    // Not as many as announced: that costs the sender nothing.
    let mut items = Vec::new();
    while goes_on(decoder, &mut left)? {
        items.push(item(decoder)?);
    }
    Ok(items)
}

/// Whether a map or list has more; `left` is none where its length is not known.
fn goes_on(decoder: &mut Decoder<'_>, left: &mut Option<u64>) -> Decoded<bool> {
    match left {
        Some(0) => Ok(false),
        Some(left) => {
            *left -= 1;
            Ok(true)
        }
        None if decoder.datatype()? == Type::Break => {
            decoder.skip()?;
            Ok(false)
        }
        None => Ok(true),
    }
}

/// A number; a whole one may come as an integer.
fn number(decoder: &mut Decoder<'_>) -> Decoded<f64> {
    match decoder.datatype()? {
        Type::F16 | Type::F32 | Type::F64 => decoder.double(),
        _ => Ok(decoder.long()? as f64),
    }
}

fn moment(decoder: &mut Decoder<'_>) -> Decoded<Millis> {
    let at = decoder.timestamp()?.to_millis().unwrap_or_default();
    Ok(u64::try_from(at).unwrap_or_default())
}

fn write_series(encoder: &mut Encoder, series: &[Series]) {
    encoder.map(2).str("Messages").array(0).str("MetricDataResults").array(series.len());
    for series in series {
        encoder.map(5).str("Id").str(&series.id).str("Label").str(&series.label);
        encoder.str("StatusCode").str("Complete");
        encoder.str("Timestamps").array(series.at.len());
        for &at in &series.at {
            encoder.timestamp(&DateTime::from_millis(at.cast_signed()));
        }
        encoder.str("Values").array(series.values.len());
        for &value in &series.values {
            encoder.double(value);
        }
    }
}
