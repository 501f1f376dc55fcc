//! IAM: what a principal may do.
//!
//! Invariant: the answer is what this cloud does: an action is denied here if its calls
//! are refused.

use super::{
    Answer, Call,
    query::{Form, KIND, respond_in, unknown},
    reply,
};
use crate::local::{
    account::{Account, caller},
    engine::{ACCOUNT, ApiError},
};

pub(super) const NAMESPACE: &str = "https://iam.amazonaws.com/doc/2010-05-08/";
const SIMULATE: &str = "SimulatePrincipalPolicy";

pub(super) fn answer(account: &Account, call: &Call) -> Result<Answer, ApiError> {
    let form = Form::of(call)?;
    match form.get("Action").unwrap_or_default() {
        SIMULATE => simulate(account, &form, &call.id),
        other => Err(unknown(other)),
    }
}

fn simulate(account: &Account, form: &Form, id: &str) -> Result<Answer, ApiError> {
    let principal = form.need("PolicySourceArn")?;
    let is_role = principal.starts_with(&format!("arn:aws:iam::{ACCOUNT}:role/"));
    if principal != caller() && !is_role {
        let message = format!("The principal {principal} cannot be found.");
        return Err(ApiError::new("NoSuchEntity", 404, message));
    }
    let actions = form.list("ActionNames");
    if actions.is_empty() {
        return Err(ApiError::validation("Value at 'actionNames' must not be empty."));
    }
    let resources = form.list("ResourceArns");
    let all = ["*".to_owned()];
    let resources = if resources.is_empty() { &all[..] } else { &resources };
    let body = respond_in(NAMESPACE, SIMULATE, id, |xml| {
        xml.field("IsTruncated", false);
        xml.element("EvaluationResults", |xml| {
            for (action, resource) in
                actions.iter().flat_map(|action| resources.iter().map(move |it| (action, it)))
            {
                let denied = account.denied.contains(action);
                xml.element("member", |xml| {
                    xml.field("EvalActionName", action)
                        .field("EvalResourceName", resource)
                        .field("EvalDecision", if denied { "implicitDeny" } else { "allowed" });
                });
            }
        });
    });
    Ok(reply(200, KIND, body))
}
