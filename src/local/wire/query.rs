//! AWS Query: Auto Scaling. A form comes in, XML goes out.

use std::sync::Arc;

use aws_smithy_types::{DateTime, date_time::Format};
use serde_html_form::from_bytes;

use super::{Answer, Call, reply, xml::Xml};
use crate::{
    local::{
        engine::{
            ApiError,
            group::{Activity, GroupView, SetDesiredCapacity, TerminateInstance},
        },
        shell::Shell,
    },
    model::Millis,
};

pub(super) const KIND: &str = "text/xml";
const NAMESPACE: &str = "http://autoscaling.amazonaws.com/doc/2011-01-01/";

/// A form's fields, in order.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// The fields of a call's body.
    pub(super) fn of(call: &Call) -> Result<Self, ApiError> {
        let fields = from_bytes(&call.body);
        fields
            .map(Form)
            .map_err(|_| ApiError::new("MalformedQueryString", 400, "The request is not a form."))
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn need(&self, name: &str) -> Result<String, ApiError> {
        self.get(name).map(str::to_owned).ok_or_else(|| {
            ApiError::validation(format!(
                "Value null at '{name}' failed to satisfy constraint: Member must not be null"
            ))
        })
    }

    /// `NAME.member.1` and so on.
    pub(super) fn list(&self, name: &str) -> Vec<String> {
        let prefix = format!("{name}.member.");
        let members = self.0.iter().filter(|(field, _)| field.starts_with(&prefix));
        members.map(|(_, value)| value.clone()).collect()
    }

    /// `NAME.1` and so on, as EC2 has it.
    pub(super) fn flat_list(&self, name: &str) -> Vec<String> {
        let is_numbered = |field: &str| {
            let number = field.strip_prefix(name).and_then(|rest| rest.strip_prefix('.'));
            number.is_some_and(|number| number.parse::<u32>().is_ok())
        };
        let numbered = self.0.iter().filter(|(field, _)| is_numbered(field));
        numbered.map(|(_, value)| value.clone()).collect()
    }
}

pub(super) fn answer(shell: &Arc<Shell>, call: &Call) -> Result<Answer, ApiError> {
    let form = Form::of(call)?;
    let action = form.get("Action").unwrap_or_default();
    let result = match action {
        "DescribeAutoScalingGroups" => {
            let names = form.list("AutoScalingGroupNames");
            let groups = shell.engine(|engine, now| engine.describe_groups(&names, now))?;
            respond(action, &call.id, |xml| describe(xml, &groups))
        }
        "SetDesiredCapacity" => {
            let request = SetDesiredCapacity {
                group: form.need("AutoScalingGroupName")?,
                desired: number(&form.need("DesiredCapacity")?)?,
            };
            shell.engine(|engine, now| engine.set_desired_capacity(&request, now))?;
            respond(action, &call.id, |_| {})
        }
        "TerminateInstanceInAutoScalingGroup" => {
            let request = TerminateInstance {
                machine: form.need("InstanceId")?,
                decrement: form.need("ShouldDecrementDesiredCapacity")? == "true",
            };
            let activity = shell.engine(|engine, now| engine.terminate_instance(&request, now))?;
            respond(action, &call.id, |xml| describe_activity(xml, &activity))
        }
        other => return Err(unknown(other)),
    };
    Ok(reply(200, KIND, result))
}

/// Nothing that the service is asked here.
pub(super) fn unknown(action: &str) -> ApiError {
    let message = format!("The local cloud does not know the action '{action}'.");
    ApiError::new("InvalidAction", 400, message)
}

/// What is asked for; empty if that cannot be read.
pub(super) fn operation(call: &Call) -> String {
    let form = Form(from_bytes(&call.body).unwrap_or_default());
    form.get("Action").unwrap_or_default().to_owned()
}

pub(super) fn refuse(error: &ApiError, id: &str) -> Answer {
    let mut xml = Xml::new();
    xml.element(&format!(r#"ErrorResponse xmlns="{NAMESPACE}""#), |xml| {
        xml.element("Error", |xml| {
            xml.field("Type", if error.status < 500 { "Sender" } else { "Receiver" })
                .field("Code", error.code)
                .field("Message", &error.message);
        });
        xml.field("RequestId", id);
    });
    reply(error.status, KIND, xml.finish())
}

fn respond(action: &str, id: &str, result: impl FnOnce(&mut Xml)) -> String {
    respond_in(NAMESPACE, action, id, result)
}

/// The same in the namespace of another service.
pub(super) fn respond_in(
    namespace: &str,
    action: &str,
    id: &str,
    result: impl FnOnce(&mut Xml),
) -> String {
    let mut xml = Xml::new();
    xml.element(&format!(r#"{action}Response xmlns="{namespace}""#), |xml| {
        xml.element(&format!("{action}Result"), result);
        xml.element("ResponseMetadata", |xml| {
            xml.field("RequestId", id);
        });
    });
    xml.finish()
}

fn describe(xml: &mut Xml, groups: &[GroupView]) {
    xml.element("AutoScalingGroups", |xml| {
        for group in groups {
            xml.element("member", |xml| describe_group(xml, group));
        }
    });
}

fn describe_group(xml: &mut Xml, group: &GroupView) {
    xml.field("AutoScalingGroupName", &group.name)
        .field("AutoScalingGroupARN", &group.arn)
        .field("MinSize", group.min)
        .field("MaxSize", group.max)
        .field("DesiredCapacity", group.desired)
        .field("DefaultCooldown", 300)
        .field("HealthCheckType", "EC2")
        .field("CreatedTime", moment(group.created));
    xml.element("AvailabilityZones", |xml| {
        xml.field("member", "us-east-1a");
    });
    xml.element("Instances", |xml| {
        for machine in &group.machines {
            let health = if machine.is_healthy { "Healthy" } else { "Unhealthy" };
            xml.element("member", |xml| {
                xml.field("InstanceId", &machine.id)
                    .field("AvailabilityZone", "us-east-1a")
                    .field("LifecycleState", machine.lifecycle.name())
                    .field("HealthStatus", health)
                    .field("ProtectedFromScaleIn", false);
            });
        }
    });
}

fn describe_activity(xml: &mut Xml, activity: &Activity) {
    xml.element("Activity", |xml| {
        xml.field("ActivityId", &activity.id)
            .field("AutoScalingGroupName", &activity.group)
            .field("Description", &activity.description)
            .field("Cause", &activity.cause)
            .field("StartTime", moment(activity.started))
            .field("StatusCode", "InProgress")
            .field("Progress", 0);
    });
}

fn number(text: &str) -> Result<i64, ApiError> {
    text.parse().map_err(|_| ApiError::validation(format!("'{text}' is not a number.")))
}

fn moment(at: Millis) -> String {
    DateTime::from_millis(at.cast_signed()).fmt(Format::DateTime).unwrap_or_default()
}
