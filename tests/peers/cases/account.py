"""The account: who calls, what they may do, its network and its quotas."""

from .case import Case, is_something

SUBNET = "subnet-0000000a"
SECURITY_GROUP = "sg-00000000"
ON_DEMAND = {"ServiceCode": "fargate", "QuotaCode": "L-3032A538"}
SPOT = {"ServiceCode": "fargate", "QuotaCode": "L-36FBB829"}
"""The only one that was set for the account; all others are as everybody has them."""
ANOTHER = {"ServiceCode": "fargate", "QuotaCode": "L-00000000"}


def refused(service, operation, parameters, code):
    """A refusal by a code that the service's model does not have."""
    return Case(service, operation, parameters, fails=code, modelled=False)


CALLER = [
    Case("sts", "GetCallerIdentity", says={"Account": "000000000000"}, keeps={"caller": "Arn"}),
    Case(
        "iam",
        "SimulatePrincipalPolicy",
        {"PolicySourceArn": "$caller", "ActionNames": ["ecs:RunTask", "ecs:StopTask"]},
        says={
            "EvaluationResults[].EvalActionName": ["ecs:RunTask", "ecs:StopTask"],
            "EvaluationResults[].EvalDecision": ["allowed", "allowed"],
        },
    ),
    Case(
        "iam",
        "SimulatePrincipalPolicy",
        {
            "PolicySourceArn": "arn:aws:iam::999999999999:role/nobody",
            "ActionNames": ["ecs:RunTask"],
        },
        fails="NoSuchEntity",
    ),
]

NETWORK = [
    Case(
        "ec2",
        "DescribeSubnets",
        {"SubnetIds": [SUBNET]},
        says={"Subnets[].SubnetId": [SUBNET], "Subnets[0].AvailableIpAddressCount": is_something},
    ),
    Case("ec2", "DescribeSubnets", says={"length(Subnets)": 2}),
    refused(
        "ec2", "DescribeSubnets", {"SubnetIds": ["subnet-99999999"]}, "InvalidSubnetID.NotFound"
    ),
    Case(
        "ec2",
        "DescribeSecurityGroups",
        {"GroupIds": [SECURITY_GROUP]},
        says={"SecurityGroups[].GroupId": [SECURITY_GROUP]},
    ),
    refused(
        "ec2", "DescribeSecurityGroups", {"GroupIds": ["sg-99999999"]}, "InvalidGroup.NotFound"
    ),
]

QUOTAS = [
    Case(
        "service-quotas",
        "GetServiceQuota",
        SPOT,
        says={"Quota.QuotaCode": "L-36FBB829", "Quota.Value": is_something},
    ),
    Case("service-quotas", "GetServiceQuota", ON_DEMAND, fails="NoSuchResourceException"),
    Case(
        "service-quotas",
        "GetAWSDefaultServiceQuota",
        ON_DEMAND,
        says={"Quota.Value": is_something},
    ),
    Case("service-quotas", "GetAWSDefaultServiceQuota", ANOTHER, fails="NoSuchResourceException"),
]

STRANGERS = [
    Case(
        service,
        operation,
        parameters,
        fails=code,
        modelled=False,
        signed="with a wrong secret",
    )
    for service, operation, parameters, code in [
        ("sts", "GetCallerIdentity", {}, "SignatureDoesNotMatch"),
        ("ec2", "DescribeSubnets", {}, "AuthFailure"),
        ("service-quotas", "GetServiceQuota", ON_DEMAND, "InvalidSignatureException"),
    ]
]

CASES = [*CALLER, *NETWORK, *QUOTAS, *STRANGERS]
