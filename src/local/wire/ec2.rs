//! EC2: the network, in EC2's own kind of Query: lists have no `member`, and a refusal
//! has another shape.

use super::{
    Answer, Call,
    query::{Form, KIND, unknown},
    reply,
    xml::Xml,
};
use crate::local::{
    account::{Account, Subnet},
    engine::ApiError,
};

const NAMESPACE: &str = "http://ec2.amazonaws.com/doc/2016-11-15/";
/// The network that everything is in.
const VPC: &str = "vpc-00000000";

pub(super) fn answer(account: &Account, call: &Call) -> Result<Answer, ApiError> {
    let form = Form::of(call)?;
    let action = form.get("Action").unwrap_or_default();
    let body = match action {
        "DescribeSubnets" => {
            let ids = form.flat_list("SubnetId");
            let subnets = chosen(&account.subnets, &ids, |it| &it.id, "subnet")?;
            respond(action, &call.id, "subnetSet", |xml| {
                for subnet in subnets {
                    describe_subnet(xml, subnet);
                }
            })
        }
        "DescribeSecurityGroups" => {
            let ids = form.flat_list("GroupId");
            let groups = chosen(&account.security_groups, &ids, |it| &it.0, "group")?;
            respond(action, &call.id, "securityGroupInfo", |xml| {
                for (id, name) in groups {
                    xml.element("item", |xml| {
                        xml.field("groupId", id).field("groupName", name).field("vpcId", VPC);
                    });
                }
            })
        }
        other => return Err(unknown(other)),
    };
    Ok(reply(200, KIND, body))
}

pub(super) fn refuse(error: &ApiError, id: &str) -> Answer {
    let mut xml = Xml::new();
    xml.element("Response", |xml| {
        xml.element("Errors", |xml| {
            xml.element("Error", |xml| {
                xml.field("Code", error.code).field("Message", &error.message);
            });
        });
        xml.field("RequestID", id);
    });
    reply(error.status, KIND, xml.finish())
}

/// Those with these ids, or all; one that is not there is an error.
fn chosen<'a, T>(
    all: &'a [T],
    ids: &[String],
    id_of: impl Fn(&T) -> &String,
    what: &str,
) -> Result<Vec<&'a T>, ApiError> {
    if ids.is_empty() {
        return Ok(all.iter().collect());
    }
    let found = |id: &String| {
        all.iter().find(|it| id_of(it) == id).ok_or_else(|| {
            let code =
                if what == "subnet" { "InvalidSubnetID.NotFound" } else { "InvalidGroup.NotFound" };
            ApiError::new(code, 400, format!("The {what} ID '{id}' does not exist"))
        })
    };
    ids.iter().map(found).collect()
}

fn respond(action: &str, id: &str, set: &str, items: impl FnOnce(&mut Xml)) -> String {
    let mut xml = Xml::new();
    xml.element(&format!(r#"{action}Response xmlns="{NAMESPACE}""#), |xml| {
        xml.field("requestId", id);
        xml.element(set, items);
    });
    xml.finish()
}

fn describe_subnet(xml: &mut Xml, subnet: &Subnet) {
    xml.element("item", |xml| {
        xml.field("subnetId", &subnet.id)
            .field("state", "available")
            .field("vpcId", VPC)
            .field("availabilityZone", &subnet.zone)
            .field("availableIpAddressCount", subnet.free)
            .field("mapPublicIpOnLaunch", false);
    });
}
