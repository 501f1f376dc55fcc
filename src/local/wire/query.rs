//! AWS Query: Auto Scaling. A form comes in, XML goes out.

use std::sync::Arc;

use aws_smithy_types::{DateTime, date_time::Format};
use http::request::Parts;
use serde_html_form::from_bytes;

use super::{Answer, Call, auth, iam, reply, sts, xml::Xml};
use crate::{
    cloud::calls::Service,
    local::{
        engine::{
            ApiError, INSTANCE_TYPE, ZONE,
            group::{
                Activity, DescribeGroups, GroupView, SetDesiredCapacity, Sizes, TerminateInstance,
                UpdateGroup,
            },
            scheduled::{ActionView, DescribeActions, PutAction},
        },
        shell::Shell,
    },
    model::Millis,
};

pub(super) const KIND: &str = "text/xml";
/// The group's only tag.
const TAG: (&str, &str) = ("Name", "loadtop");
/// What UpdateAutoScalingGroup changes here.
const UPDATED: [&str; 6] =
    ["Action", "Version", "AutoScalingGroupName", "MinSize", "MaxSize", "DesiredCapacity"];
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
                "1 validation error detected: Value null at '{}' failed to satisfy constraint: \
                 Member must not be null",
                lowered(name)
            ))
        })
    }

    fn number(&self, name: &str) -> Result<Option<i64>, ApiError> {
        self.get(name).map(number).transpose()
    }

    /// A moment in whole seconds, in milliseconds.
    fn moment(&self, name: &str) -> Result<Option<Millis>, ApiError> {
        let read = |text: &str| {
            let at = DateTime::from_str(text, Format::DateTimeWithOffset).ok();
            let at = at.and_then(|at| Millis::try_from(at.secs()).ok()).map(|it| it * 1000);
            at.ok_or_else(|| ApiError::validation(format!("Invalid date: {text}")))
        };
        self.get(name).map(read).transpose()
    }

    fn sizes(&self) -> Result<Sizes, ApiError> {
        Ok(Sizes {
            min: self.number("MinSize")?,
            max: self.number("MaxSize")?,
            desired: self.number("DesiredCapacity")?,
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
            let request = DescribeGroups {
                names: form.list("AutoScalingGroupNames"),
                most: form.number("MaxRecords")?,
                token: form.get("NextToken").map(str::to_owned),
            };
            let mut groups =
                shell.engine(|engine, now| engine.describe_some_groups(&request, now))?;
            if !is_tagged_so(&form)? {
                groups.clear();
            }
            let has_machines = form.get("IncludeInstances") != Some("false");
            respond(action, &call.id, |xml| describe(xml, &groups, has_machines))
        }
        "SetDesiredCapacity" => {
            let request = SetDesiredCapacity {
                group: form.need("AutoScalingGroupName")?,
                desired: number(&form.need("DesiredCapacity")?)?,
            };
            let honors_cooldown = form.get("HonorCooldown") == Some("true");
            shell.engine(|engine, now| {
                if honors_cooldown {
                    engine.cool_down(now)?;
                }
                engine.set_desired_capacity(&request, now)
            })?;
            done(action, &call.id)
        }
        "UpdateAutoScalingGroup" => {
            let unknown = form.0.iter().find(|(field, _)| !UPDATED.contains(&field.as_str()));
            if let Some((field, _)) = unknown {
                return Err(ApiError::validation(format!(
                    "The local cloud changes no {field} of a group."
                )));
            }
            let group = form.need("AutoScalingGroupName")?;
            let request = UpdateGroup { group, sizes: form.sizes()? };
            shell.engine(|engine, now| engine.update_group(&request, now))?;
            done(action, &call.id)
        }
        "TerminateInstanceInAutoScalingGroup" => {
            let request = TerminateInstance {
                machine: form.need("InstanceId")?,
                decrement: form.need("ShouldDecrementDesiredCapacity")? == "true",
            };
            let activity = shell.engine(|engine, now| engine.terminate_instance(&request, now))?;
            respond(action, &call.id, |xml| describe_activity(xml, &activity))
        }
        "PutScheduledUpdateGroupAction" => {
            let request = put_action(&form)?;
            shell.engine(|engine, now| engine.put_action(request, now))?;
            done(action, &call.id)
        }
        "DescribeScheduledActions" => {
            let request = describe_actions(&form)?;
            let (actions, token) =
                shell.engine(|engine, now| engine.describe_actions(&request, now))?;
            respond(action, &call.id, |xml| list_actions(xml, &actions, token.as_deref()))
        }
        "DeleteScheduledAction" => {
            let group = form.need("AutoScalingGroupName")?;
            let name = form.need("ScheduledActionName")?;
            shell.engine(|engine, now| engine.delete_action(&group, &name, now))?;
            done(action, &call.id)
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

/// What the answers to a request are in: each service has a namespace of its own.
pub(super) fn namespace(parts: &Parts) -> &'static str {
    match () {
        () if auth::claims(parts, Service::Sts) => sts::NAMESPACE,
        () if auth::claims(parts, Service::Iam) => iam::NAMESPACE,
        () => NAMESPACE,
    }
}

pub(super) fn refuse(error: &ApiError, id: &str, namespace: &str) -> Answer {
    let mut xml = Xml::new();
    xml.element(&format!(r#"ErrorResponse xmlns="{namespace}""#), |xml| {
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
    enveloped(namespace, action, id, |xml| {
        xml.element(&format!("{action}Result"), result);
    })
}

fn enveloped(namespace: &str, action: &str, id: &str, content: impl FnOnce(&mut Xml)) -> String {
    let mut xml = Xml::new();
    xml.element(&format!(r#"{action}Response xmlns="{namespace}""#), |xml| {
        content(xml);
        xml.element("ResponseMetadata", |xml| {
            xml.field("RequestId", id);
        });
    });
    xml.finish()
}

/// Who has nothing to say has no result, not an empty one.
fn done(action: &str, id: &str) -> String {
    enveloped(NAMESPACE, action, id, |_| {})
}

fn put_action(form: &Form) -> Result<PutAction, ApiError> {
    let recurs = ["Recurrence", "TimeZone", "EndTime"].iter().any(|it| form.get(it).is_some());
    Ok(PutAction {
        group: form.need("AutoScalingGroupName")?,
        name: form.need("ScheduledActionName")?,
        // The second one is what it was called once.
        start: form.moment("StartTime")?.or(form.moment("Time")?),
        sizes: form.sizes()?,
        recurs,
    })
}

fn describe_actions(form: &Form) -> Result<DescribeActions, ApiError> {
    Ok(DescribeActions {
        group: form.get("AutoScalingGroupName").map(str::to_owned),
        names: form.list("ScheduledActionNames"),
        from: form.moment("StartTime")?,
        to: form.moment("EndTime")?,
        most: form.number("MaxRecords")?,
        token: form.get("NextToken").map(str::to_owned),
    })
}

fn list_actions(xml: &mut Xml, actions: &[ActionView], token: Option<&str>) {
    xml.element("ScheduledUpdateGroupActions", |xml| {
        for action in actions {
            xml.element("member", |xml| {
                xml.field("AutoScalingGroupName", &action.group)
                    .field("ScheduledActionName", &action.name)
                    .field("ScheduledActionARN", &action.arn)
                    .field("Time", moment(action.start))
                    .field("StartTime", moment(action.start));
                let Sizes { min, max, desired } = action.sizes;
                let sizes = [("MinSize", min), ("MaxSize", max), ("DesiredCapacity", desired)];
                for (name, size) in sizes {
                    if let Some(size) = size {
                        xml.field(name, size);
                    }
                }
            });
        }
    });
    if let Some(token) = token {
        xml.field("NextToken", token);
    }
}

/// Whether the group has the tags that are filtered by.
fn is_tagged_so(form: &Form) -> Result<bool, ApiError> {
    for number in 1.. {
        let filter = format!("Filters.member.{number}");
        let Some(name) = form.get(&format!("{filter}.Name")) else { break };
        let values = form.list(&format!("{filter}.Values"));
        let is = match name {
            "tag-key" | "key" => values.iter().any(|it| it == TAG.0),
            "tag-value" | "value" => values.iter().any(|it| it == TAG.1),
            _ => match name.strip_prefix("tag:") {
                Some(key) => key == TAG.0 && values.iter().any(|it| it == TAG.1),
                None => {
                    return Err(ApiError::validation(format!("Filter type {name} is not correct")));
                }
            },
        };
        if !is {
            return Ok(false);
        }
    }
    Ok(true)
}

fn describe(xml: &mut Xml, groups: &[GroupView], has_machines: bool) {
    xml.element("AutoScalingGroups", |xml| {
        for group in groups {
            xml.element("member", |xml| describe_group(xml, group, has_machines));
        }
    });
}

fn describe_group(xml: &mut Xml, group: &GroupView, has_machines: bool) {
    xml.field("AutoScalingGroupName", &group.name)
        .field("AutoScalingGroupARN", &group.arn)
        .field("MinSize", group.min)
        .field("MaxSize", group.max)
        .field("DesiredCapacity", group.desired)
        .field("DefaultCooldown", 300)
        .field("HealthCheckType", "EC2")
        .field("HealthCheckGracePeriod", 0)
        .field("NewInstancesProtectedFromScaleIn", false)
        .field("CreatedTime", moment(group.created));
    xml.element("AvailabilityZones", |xml| {
        xml.field("member", ZONE);
    });
    xml.element("Instances", |xml| {
        for machine in group.machines.iter().filter(|_| has_machines) {
            let health = if machine.is_healthy { "Healthy" } else { "Unhealthy" };
            xml.element("member", |xml| {
                xml.field("InstanceId", &machine.id)
                    .field("InstanceType", INSTANCE_TYPE)
                    .field("AvailabilityZone", ZONE)
                    .field("LifecycleState", machine.lifecycle.name())
                    .field("HealthStatus", health)
                    .field("ProtectedFromScaleIn", machine.is_protected);
            });
        }
    });
    xml.element("Tags", |xml| {
        xml.element("member", |xml| {
            xml.field("ResourceId", &group.name)
                .field("ResourceType", "auto-scaling-group")
                .field("Key", TAG.0)
                .field("Value", TAG.1)
                .field("PropagateAtLaunch", true);
        });
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

/// A parameter's name as complaints spell it.
fn lowered(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}
