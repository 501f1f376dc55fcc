//! STS: who calls.

use super::{
    Answer, Call,
    query::{Form, KIND, respond_in, unknown},
    reply,
};
use crate::local::{
    account::caller,
    engine::{ACCOUNT, ApiError},
};

pub(super) const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";
/// The id that the user behind the key has.
const USER_ID: &str = "AIDA0000000000000000";

pub(super) fn answer(call: &Call) -> Result<Answer, ApiError> {
    let form = Form::of(call)?;
    let action = form.get("Action").unwrap_or_default();
    if action != "GetCallerIdentity" {
        return Err(unknown(action));
    }
    let body = respond_in(NAMESPACE, action, &call.id, |xml| {
        xml.field("Arn", caller()).field("UserId", USER_ID).field("Account", ACCOUNT);
    });
    Ok(reply(200, KIND, body))
}
