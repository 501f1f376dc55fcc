//! Service Quotas: AWS JSON 1.1, as ECS, under another prefix.

use http::request::Parts;
use serde::Deserialize;
use serde_json::json;

use super::{Answer, Call, reply, text};
use crate::local::{account::Account, engine::ApiError};

/// What its operations are called after.
const PREFIX: &str = "ServiceQuotasV20190624.";
const KIND: &str = "application/x-amz-json-1.1";

/// What both operations take.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Wanted {
    service_code: String,
    quota_code: String,
}

/// Whether a request is for this service.
pub(super) fn is_asked(parts: &Parts) -> bool {
    text(&parts.headers, "x-amz-target").is_some_and(|target| target.starts_with(PREFIX))
}

/// What is asked for.
pub(super) fn operation(call: &Call) -> &str {
    let target = text(&call.parts.headers, "x-amz-target").unwrap_or_default();
    target.strip_prefix(PREFIX).unwrap_or_default()
}

pub(super) fn answer(account: &Account, call: &Call) -> Result<Answer, ApiError> {
    let operation = operation(call);
    if !["GetServiceQuota", "GetAWSDefaultServiceQuota"].contains(&operation) {
        let message = format!("The local cloud does not know the operation '{operation}'.");
        return Err(ApiError::new("UnknownOperationException", 400, message));
    }
    let wanted: Wanted = serde_json::from_slice(&call.body)
        .map_err(|error| ApiError::new("SerializationException", 400, error.to_string()))?;
    let key = (wanted.service_code, wanted.quota_code);
    let defaults = operation == "GetAWSDefaultServiceQuota";
    let quotas = if defaults { &account.default_quotas } else { &account.quotas };
    let value = quotas.get(&key).ok_or_else(|| {
        let message = "The request failed because the specified service does not exist.";
        ApiError::new("NoSuchResourceException", 400, message)
    })?;
    let (service, code) = key;
    let body = json!({ "Quota": {
        "ServiceCode": service, "QuotaCode": code, "Value": value, "Adjustable": true,
    }});
    Ok(reply(200, KIND, body.to_string()))
}
