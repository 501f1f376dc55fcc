"""The judge is judged: answers that do not fit their models, and what is to be said.

Each row changes one thing in an answer that fits.
"""

import boto3

import models
from checks import ensure
from processes import KEYS, REGION

QUERY = {"x-amzn-requestid": "1", "date": "now", "content-type": "text/xml"}
REST = {"x-amz-request-id": "1", "date": "now", "content-type": "application/xml"}
JSON = QUERY | {"content-type": "application/x-amz-json-1.1"}

ECS = ("ecs", "DescribeTasks", 200, JSON)
TASKS = '{"tasks":[{"launchType":"EC2","version":1,"createdAt":1.5,"enableExecuteCommand":true}]}'
CONFLICT = ("ecs", "RunTask", 400, JSON)
REFUSAL = '{"__type":"ConflictException","message":"no","resourceIds":["a"]}'
GROUP = ("autoscaling", "SetDesiredCapacity", 200, QUERY)
DONE = (
    '<SetDesiredCapacityResponse xmlns="http://autoscaling.amazonaws.com/doc/2011-01-01/">'
    "<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></SetDesiredCapacityResponse>"
)
GROUPS = ("autoscaling", "DescribeAutoScalingGroups", 200, QUERY)
SIZES = (
    "<DescribeAutoScalingGroupsResponse "
    'xmlns="http://autoscaling.amazonaws.com/doc/2011-01-01/">'
    "<DescribeAutoScalingGroupsResult><AutoScalingGroups><member>"
    "<AutoScalingGroupName>g</AutoScalingGroupName><MinSize>0</MinSize><MaxSize>1</MaxSize>"
    "<DesiredCapacity>1</DesiredCapacity><DefaultCooldown>300</DefaultCooldown>"
    "<AvailabilityZones><member>a</member></AvailabilityZones>"
    "<HealthCheckType>EC2</HealthCheckType><CreatedTime>2026-01-01T00:00:00Z</CreatedTime>"
    "</member></AutoScalingGroups></DescribeAutoScalingGroupsResult>"
    "<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata>"
    "</DescribeAutoScalingGroupsResponse>"
)
FAULT = ("autoscaling", "SetDesiredCapacity", 400, QUERY)
ERROR = (
    '<ErrorResponse xmlns="http://autoscaling.amazonaws.com/doc/2011-01-01/"><Error>'
    "<Type>Sender</Type><Code>ValidationError</Code><Message>no</Message></Error>"
    "<RequestId>1</RequestId></ErrorResponse>"
)
LIST = ("s3", "ListObjectsV2", 200, REST)
KEYS_LISTED = (
    '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name>'
    "<Contents><Key>k</Key><Size>1</Size><StorageClass>STANDARD</StorageClass></Contents>"
    "</ListBucketResult>"
)
HEAD = ("s3", "HeadObject", 200, REST | {"etag": '"1"', "content-length": "3"})

ROWS = [
    (ECS, TASKS, "", "", None),
    (ECS, TASKS, '"version"', '"edition"', "edition: no member of Task"),
    (ECS, TASKS, '"version":1', '"version":"1"', "is no long"),
    (ECS, TASKS, '"version":1', '"version":true', "is no long"),
    (ECS, TASKS, '"version":1', '"version":null', "null"),
    (ECS, TASKS, '"createdAt":1.5', '"createdAt":"today"', "is no timestamp"),
    (ECS, TASKS, ":true", ":1", "is no boolean"),
    (ECS, TASKS, '"EC2"', '"EC3"', "is none of"),
    (ECS, TASKS, "[{", '["x",{', "is no structure"),
    (CONFLICT, REFUSAL, "", "", None),
    (CONFLICT, REFUSAL, "resourceIds", "ids", "no member of ConflictException"),
    (CONFLICT, REFUSAL, '"message":"no",', "", "no message"),
    (GROUP, DONE, "", "", None),
    (GROUP, DONE, "<Resp", "<SetDesiredCapacityResult/><Resp", "not in the answer's model"),
    (GROUP, DONE, "RequestId", "Id", "ResponseMetadata.Id"),
    (GROUPS, SIZES, "", "", None),
    (GROUPS, SIZES, "/2011-01-01/", "/2010-08-01/", "namespace"),
    (GROUPS, SIZES, "<MinSize>0", "<MinSize>few", "is no integer"),
    (GROUPS, SIZES, "<MinSize>0</MinSize>", "", "MinSize: required, and missing"),
    (GROUPS, SIZES, "MaxSize", "MostSize", "MostSize: no member of"),
    (GROUPS, SIZES, "<member>a</member>", "<item>a</item>", "<item>, not <member>"),
    (GROUPS, SIZES, "2026-01-01T", "2026-01-01 ", "is no timestamp"),
    (FAULT, ERROR, "", "", None),
    (FAULT, ERROR, "Sender", "Me", "Type 'Me'"),
    (FAULT, ERROR, "<Message>no</Message>", "", "no Message"),
    (LIST, KEYS_LISTED, "", "", None),
    (LIST, KEYS_LISTED, "STANDARD", "USUAL", "is none of"),
    (LIST, KEYS_LISTED, "Size>", "Length>", "Length: no member of Object"),
    (LIST, KEYS_LISTED, "ListBucketResult", "ListResult", "not <ListBucketResult>"),
    (HEAD, "", "", "", None),
    (("s3", "HeadObject", 200, HEAD[3] | {"x-amz-new": "1"}), "", "", "", "header x-amz-new"),
    (("s3", "HeadObject", 200, HEAD[3] | {"content-length": "x"}), "", "", "", "is no long"),
]
"""The call and its answer, what in the body becomes what, and what must be said of it."""


def judge(report):
    """Every row, in one check."""
    with report.check(f"{len(ROWS)} answers, good and spoiled, are told apart"):
        for (service, operation, status, headers), body, old, new, says in ROWS:
            client = boto3.client(
                service,
                region_name=REGION,
                aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
            )
            model = client.meta.service_model.operation_model(operation)
            ensure(old in body, f"{old!r} is not in the answer of {operation}")
            raw = body.replace(old, new).encode() if old else body.encode()
            answer = {"status_code": status, "headers": headers, "body": raw}
            found = "; ".join(models.problems(model, answer))
            ensure((says in found) if says else not found, f"{old} → {new}: {found!r}")
