//! EC2: the network that tasks with an address of their own are in.

use super::{Cloud, CloudError, calls};

/// The version of EC2's API.
const EC2: &str = "2016-11-15";

/// A subnet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubnetSeen {
    /// `subnet-…`.
    pub id: String,
    /// Its network.
    pub vpc: String,
    /// Its zone.
    pub zone: String,
    /// Addresses that are free.
    pub free: u32,
}

impl Cloud {
    /// These subnets; that one of them does not exist is an error that names it.
    ///
    /// Equivalent to `aws ec2 describe-subnets --subnet-ids …`.
    /// Needs `ec2:DescribeSubnets`.
    pub async fn subnets(&self, ids: &[String]) -> Result<Vec<SubnetSeen>, CloudError> {
        let fields = numbered("SubnetId", ids);
        let answer = self.ask_query(calls::DESCRIBE_SUBNETS, EC2, &fields).await?;
        let seen = answer.items("subnetSet").iter().map(|subnet| {
            let text = |name: &str| subnet.text_of(name).unwrap_or_default();
            SubnetSeen {
                id: text("subnetId"),
                vpc: text("vpcId"),
                zone: text("availabilityZone"),
                free: text("availableIpAddressCount").parse().unwrap_or(0),
            }
        });
        Ok(seen.collect())
    }

    /// These security groups, id and network; that one of them does not exist is an
    /// error that names it.
    ///
    /// Equivalent to `aws ec2 describe-security-groups --group-ids …`.
    /// Needs `ec2:DescribeSecurityGroups`.
    pub async fn security_groups(
        &self,
        ids: &[String],
    ) -> Result<Vec<(String, String)>, CloudError> {
        let fields = numbered("GroupId", ids);
        let answer = self.ask_query(calls::DESCRIBE_SECURITY_GROUPS, EC2, &fields).await?;
        let seen = answer.items("securityGroupInfo").iter().map(|group| {
            let text = |name: &str| group.text_of(name).unwrap_or_default();
            (text("groupId"), text("vpcId"))
        });
        Ok(seen.collect())
    }
}

/// A list as EC2 wants it.
fn numbered(name: &str, values: &[String]) -> Vec<(String, String)> {
    let numbered = values.iter().enumerate();
    numbered.map(|(n, value)| (format!("{name}.{}", n + 1), value.clone())).collect()
}
