//! Service Quotas: how much the account may have in this region.

use serde_json::json;

use super::{Cloud, CloudError, ErrorKind, calls};

/// What the service's operations are called after.
const PREFIX: &str = "ServiceQuotasV20190624";

/// A quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quota {
    /// vCPUs of tasks on Fargate.
    FargateVcpus,
    /// vCPUs of tasks on Fargate Spot.
    FargateSpotVcpus,
    /// vCPUs of running On-Demand instances of the standard families.
    InstanceVcpus,
}

impl Quota {
    /// Service and code, as AWS has them.
    #[must_use]
    pub fn code(self) -> (&'static str, &'static str) {
        match self {
            Quota::FargateVcpus => ("fargate", "L-3032A538"),
            Quota::FargateSpotVcpus => ("fargate", "L-36FBB829"),
            Quota::InstanceVcpus => ("ec2", "L-1216C47A"),
        }
    }

    /// What AWS calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Quota::FargateVcpus => "Fargate On-Demand vCPU resource count",
            Quota::FargateSpotVcpus => "Fargate Spot vCPU resource count",
            Quota::InstanceVcpus => {
                "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances"
            }
        }
    }
}

impl Cloud {
    /// How much of it the account may have; where nothing was ever set for the account,
    /// what AWS gives to all.
    ///
    /// Equivalent to `aws service-quotas get-service-quota --service-code S
    /// --quota-code Q`, and then `aws service-quotas get-aws-default-service-quota …`.
    /// Needs `servicequotas:GetServiceQuota` and `servicequotas:GetAWSDefaultServiceQuota`.
    pub async fn quota(&self, quota: Quota) -> Result<f64, CloudError> {
        let (service, code) = quota.code();
        let asked = json!({ "ServiceCode": service, "QuotaCode": code });
        let answer = match self.ask_json(calls::GET_QUOTA, PREFIX, &asked).await {
            Err(error) if error.kind == ErrorKind::NotFound => {
                self.ask_json(calls::GET_DEFAULT_QUOTA, PREFIX, &asked).await?
            }
            answer => answer?,
        };
        answer["Quota"]["Value"].as_f64().ok_or_else(|| CloudError {
            call: calls::GET_QUOTA.operation,
            kind: ErrorKind::Refused,
            code: None,
            message: "the answer has no value".to_owned(),
        })
    }
}
