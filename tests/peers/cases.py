"""What boto3 calls on the local cloud, in this order, and what the answers say.

`$name` stands for what is known under that name: `cluster`, `group`, `bucket`, and
whatever an earlier case keeps. Paths are JMESPath.
"""

import dataclasses

SERVICES = ["ecs", "autoscaling", "s3"]
"""The services that boto3 drives the local cloud in."""


@dataclasses.dataclass(frozen=True)
class Case:
    """One call."""

    service: str
    operation: str
    parameters: dict = dataclasses.field(default_factory=dict)
    says: dict = dataclasses.field(default_factory=dict)
    """Path in the answer → value, or what must hold of the value."""
    keeps: dict = dataclasses.field(default_factory=dict)
    """Name → path of what later cases need."""
    waits: bool = False
    """Whether the call is repeated until the answer says so."""
    fails: str | None = None
    """The code of the refusal."""
    because: str = ""
    """What the refusal's words contain."""
    modelled: bool = True
    """Whether the service's model has an exception of its own for the code."""
    signed: str = "well"

    def __str__(self):
        outcome = f" → {self.fails}" if self.fails else ""
        detail = f" ({self.because})" if self.because else ""
        how = "" if self.signed == "well" else f" signed {self.signed}"
        return f"{self.service} {self.operation}{how}{outcome}{detail}"


def ecs(operation, parameters=None, **more):
    """A call of ECS."""
    return Case("ecs", operation, parameters or {}, **more)


def of_cluster(operation, parameters=None, **more):
    """A call of ECS about the cluster."""
    return ecs(operation, {"cluster": "$cluster"} | (parameters or {}), **more)


def scaling(operation, parameters=None, **more):
    """A call of Auto Scaling."""
    return Case("autoscaling", operation, parameters or {}, **more)


def of_group(operation, parameters=None, **more):
    """A call of Auto Scaling about the group."""
    return scaling(operation, {"AutoScalingGroupName": "$group"} | (parameters or {}), **more)


def s3(operation, parameters=None, **more):
    """A call of S3 about the bucket."""
    return Case("s3", operation, {"Bucket": "$bucket"} | (parameters or {}), **more)


def is_empty(found):
    """Nothing is there."""
    return not found


def is_something(found):
    """Something is there."""
    return bool(found)


SLEEPER = {
    "name": "sleeper",
    "image": "none",
    "cpu": 64,
    "memory": 64,
    "essential": True,
    "command": ["sleep", "600"],
}
TAGS = [{"key": "loadtop:run", "value": "peers"}]
WRONG = "InvalidParameterException"
CLIENT = "ClientException"


def overrides(name="sleeper", value="1"):
    """Overrides with one variable."""
    variable = {"name": "PEERS", "value": value}
    return {"containerOverrides": [{"name": name, "environment": [variable]}]}


RUN = {"taskDefinition": "peers", "launchType": "EC2"}
ONE = RUN | {
    "count": 1,
    "clientToken": "peers-1",
    "startedBy": "peers/1",
    "overrides": overrides(),
    "tags": TAGS,
}

CLUSTERS = [
    ecs("ListClusters", keeps={"cluster_arn": "clusterArns[0]"}),
    ecs(
        "DescribeClusters",
        {"clusters": ["$cluster", "nowhere"]},
        says={
            "clusters[].clusterName": ["loadtop"],
            "clusters[0].status": "ACTIVE",
            "failures[].reason": ["MISSING"],
        },
    ),
    ecs("DescribeClusters", {"clusters": ["$cluster_arn"]}, says={"failures": []}),
    ecs("DescribeClusters", says={"clusters": [], "failures[0].reason": "MISSING"}),
]

DEFINITIONS = [
    ecs(
        "RegisterTaskDefinition",
        {"family": "peers", "containerDefinitions": [SLEEPER], "tags": TAGS},
        says={
            "taskDefinition.revision": 1,
            "taskDefinition.status": "ACTIVE",
            "taskDefinition.containerDefinitions[0].command": ["sleep", "600"],
            "tags": TAGS,
        },
        keeps={"definition": "taskDefinition.taskDefinitionArn"},
    ),
    ecs(
        "RegisterTaskDefinition",
        {"family": "not good", "containerDefinitions": [SLEEPER]},
        fails=CLIENT,
    ),
    ecs("RegisterTaskDefinition", {"family": "peers", "containerDefinitions": []}, fails=CLIENT),
    ecs(
        "RegisterTaskDefinition",
        {"family": "peers", "containerDefinitions": [{"name": "a", "image": "none"}]},
        fails=CLIENT,
        because="memory",
    ),
    ecs("DescribeTaskDefinition", {"taskDefinition": "peers"}),
    ecs("DescribeTaskDefinition", {"taskDefinition": "peers:1"}),
    ecs(
        "DescribeTaskDefinition",
        {"taskDefinition": "$definition"},
        says={"taskDefinition.family": "peers"},
    ),
    ecs("DescribeTaskDefinition", {"taskDefinition": "loadtop-agent"}),
    ecs("DescribeTaskDefinition", {"taskDefinition": "nothing"}, fails=CLIENT),
]

INSTANCES = [
    of_cluster(
        "ListContainerInstances",
        says={"length(containerInstanceArns)": 1},
        keeps={"instance": "containerInstanceArns[0]"},
        waits=True,
    ),
    of_cluster(
        "ListContainerInstances",
        {"status": "DRAINING", "maxResults": 1},
        says={"containerInstanceArns": []},
    ),
    of_cluster("ListContainerInstances", {"nextToken": "made up"}, fails=WRONG),
    ecs("ListContainerInstances", {"cluster": "nowhere"}, fails="ClusterNotFoundException"),
    of_cluster(
        "DescribeContainerInstances",
        {"containerInstances": ["$instance", "no-instance"]},
        says={
            "containerInstances[].status": ["ACTIVE"],
            "containerInstances[0].agentConnected": True,
            "failures[].reason": ["MISSING"],
        },
    ),
    of_cluster("DescribeContainerInstances", {"containerInstances": []}, fails=WRONG),
    of_cluster(
        "UpdateContainerInstancesState",
        {"containerInstances": ["$instance"], "status": "DRAINING"},
        says={"containerInstances[0].status": "DRAINING", "failures": []},
    ),
    of_cluster("RunTask", RUN, fails=WRONG, because="No Container Instances were found"),
    of_cluster(
        "UpdateContainerInstancesState",
        {"containerInstances": ["$instance"], "status": "ACTIVE"},
        says={"containerInstances[0].status": "ACTIVE"},
    ),
    of_cluster(
        "UpdateContainerInstancesState",
        {"containerInstances": ["$instance"], "status": "ASLEEP"},
        fails=WRONG,
    ),
    of_cluster(
        "UpdateContainerInstancesState",
        {"containerInstances": [f"i{number}" for number in range(11)], "status": "ACTIVE"},
        fails=WRONG,
    ),
]

TASKS = [
    of_cluster(
        "RunTask",
        ONE,
        says={
            "length(tasks)": 1,
            "failures": [],
            "tasks[0].desiredStatus": "RUNNING",
            "tasks[0].launchType": "EC2",
            "tasks[0].startedBy": "peers/1",
        },
        keeps={"task": "tasks[0].taskArn"},
    ),
    of_cluster("RunTask", ONE, says={"tasks[].taskArn": lambda arns: len(arns) == 1}),
    of_cluster(
        "RunTask",
        ONE | {"startedBy": "peers/2"},
        fails="ConflictException",
        says={"resourceIds": is_something},
    ),
    of_cluster("RunTask", RUN | {"count": 0}, fails=WRONG, because="count"),
    of_cluster("RunTask", RUN | {"count": 11}, fails=WRONG, because="count"),
    of_cluster("RunTask", RUN | {"clientToken": "x" * 65}, fails=WRONG, because="clientToken"),
    of_cluster("RunTask", RUN | {"startedBy": "x" * 129}, fails=WRONG, because="startedBy"),
    of_cluster(
        "RunTask",
        RUN | {"overrides": overrides(value="x" * 8192)},
        fails=WRONG,
        because="Container Overrides length must be at most 8192",
    ),
    of_cluster("RunTask", RUN | {"overrides": overrides("other")}, fails=WRONG, because="other"),
    of_cluster("RunTask", {"taskDefinition": "nothing"}, fails=CLIENT),
    ecs("RunTask", RUN | {"cluster": "nowhere"}, fails="ClusterNotFoundException"),
    of_cluster(
        "RunTask",
        {"taskDefinition": "loadtop-agent", "count": 10, "startedBy": "peers/many"},
        says={"failures[0].reason": lambda reason: reason.startswith("RESOURCE:")},
        keeps={"agents": "tasks[].taskArn"},
    ),
    of_cluster("ListTasks", {"startedBy": "peers/1"}, says={"taskArns": ["$task"]}),
    of_cluster("ListTasks", {"family": "peers"}, says={"taskArns": ["$task"]}),
    of_cluster(
        "ListTasks",
        {"startedBy": "peers/many", "desiredStatus": "RUNNING"},
        fails=WRONG,
    ),
    of_cluster(
        "ListTasks",
        {"maxResults": 1, "desiredStatus": "RUNNING"},
        says={"length(taskArns)": 1},
    ),
    of_cluster("ListTasks", {"maxResults": 101}, fails=WRONG),
    of_cluster("ListTasks", {"desiredStatus": "RESTING"}, fails=WRONG),
    of_cluster("ListTasks", {"containerInstance": "no-instance"}, fails=WRONG),
    of_cluster("ListTasks", {"serviceName": "none"}, fails="ServiceNotFoundException"),
    ecs("ListTasks", {"cluster": "nowhere"}, fails="ClusterNotFoundException"),
    of_cluster(
        "DescribeTasks",
        {"tasks": ["$task", "no-task"]},
        says={
            "tasks[].lastStatus": ["RUNNING"],
            "tasks[].containers[].name": ["sleeper"],
            "tasks[0].overrides.containerOverrides[0].environment[0].name": "PEERS",
            "failures[].reason": ["MISSING"],
        },
        waits=True,
    ),
    of_cluster(
        "DescribeTasks", {"tasks": ["$task"], "include": ["TAGS"]}, says={"tasks[].tags": [TAGS]}
    ),
    of_cluster("DescribeTasks", {"tasks": []}, fails=WRONG),
    of_cluster("DescribeTasks", {"tasks": "$many"}, fails=WRONG),
    ecs("DescribeTasks", {"cluster": "nowhere", "tasks": ["a"]}, fails="ClusterNotFoundException"),
    of_cluster(
        "StopTask",
        {"task": "$task", "reason": "the peers have seen it"},
        says={
            "task.desiredStatus": "STOPPED",
            "task.stopCode": "UserInitiated",
            "task.stoppedReason": "the peers have seen it",
        },
    ),
    of_cluster("StopTask", {"task": "no-task"}, fails=WRONG, because="was not found"),
    ecs("StopTask", {"cluster": "nowhere", "task": "a"}, fails="ClusterNotFoundException"),
    of_cluster(
        "DescribeTasks",
        {"tasks": ["$task"]},
        says={"tasks[].lastStatus": ["STOPPED"], "tasks[].containers[].exitCode": [143]},
        waits=True,
    ),
    of_cluster(
        "ListTasks",
        {"desiredStatus": "STOPPED", "family": "peers"},
        says={"taskArns": ["$task"]},
    ),
]

SIGNATURES = [
    ecs(
        "ListClusters",
        fails="InvalidSignatureException",
        modelled=False,
        signed="with a wrong secret",
    ),
    ecs(
        "ListClusters",
        fails="UnrecognizedClientException",
        modelled=False,
        signed="by a stranger",
    ),
    scaling(
        "DescribeAutoScalingGroups",
        fails="SignatureDoesNotMatch",
        modelled=False,
        signed="with a wrong secret",
    ),
    scaling(
        "DescribeAutoScalingGroups",
        fails="InvalidClientTokenId",
        modelled=False,
        signed="by a stranger",
    ),
    s3(
        "ListObjectsV2", fails="SignatureDoesNotMatch", modelled=False, signed="with a wrong secret"
    ),
    s3("ListObjectsV2", fails="InvalidAccessKeyId", modelled=False, signed="by a stranger"),
]

GROUPS = [
    scaling(
        "DescribeAutoScalingGroups",
        says={
            "AutoScalingGroups[].AutoScalingGroupName": ["loadtop"],
            "AutoScalingGroups[0].DesiredCapacity": 1,
            "AutoScalingGroups[0].Instances[].LifecycleState": ["InService"],
        },
        keeps={"machine": "AutoScalingGroups[0].Instances[0].InstanceId"},
    ),
    scaling(
        "DescribeAutoScalingGroups",
        {"AutoScalingGroupNames": ["nowhere"]},
        says={"AutoScalingGroups": []},
    ),
    of_group("SetDesiredCapacity", {"DesiredCapacity": 2, "HonorCooldown": False}),
    scaling(
        "DescribeAutoScalingGroups",
        {"AutoScalingGroupNames": ["$group"]},
        says={
            "AutoScalingGroups[0].DesiredCapacity": 2,
            "AutoScalingGroups[0].Instances[].LifecycleState": ["InService", "InService"],
        },
        waits=True,
    ),
    of_group(
        "SetDesiredCapacity", {"DesiredCapacity": 11}, fails="ValidationError", modelled=False
    ),
    of_group(
        "SetDesiredCapacity", {"DesiredCapacity": -1}, fails="ValidationError", modelled=False
    ),
    scaling(
        "SetDesiredCapacity",
        {"AutoScalingGroupName": "nowhere", "DesiredCapacity": 1},
        fails="ValidationError",
        because="not found",
        modelled=False,
    ),
    scaling(
        "TerminateInstanceInAutoScalingGroup",
        {"InstanceId": "i-00000000000000000", "ShouldDecrementDesiredCapacity": True},
        fails="ValidationError",
        because="Instance Id not found",
        modelled=False,
    ),
    scaling(
        "TerminateInstanceInAutoScalingGroup",
        {"InstanceId": "$machine", "ShouldDecrementDesiredCapacity": True},
        says={"Activity.AutoScalingGroupName": "loadtop", "Activity.StatusCode": is_something},
    ),
    scaling(
        "DescribeAutoScalingGroups",
        says={
            "AutoScalingGroups[0].DesiredCapacity": 1,
            "length(AutoScalingGroups[0].Instances)": 1,
        },
        waits=True,
    ),
]

KEY = {"Key": "peers/a b&<ü>.txt"}
OBJECTS = [
    s3("HeadBucket"),
    s3("HeadBucket", {"Bucket": "nowhere"}, fails="404", modelled=False),
    s3("PutObject", KEY | {"Body": "one"}, keeps={"tag": "ETag"}),
    s3(
        "PutObject",
        KEY | {"Body": "x", "IfNoneMatch": "*"},
        fails="PreconditionFailed",
        modelled=False,
    ),
    s3("PutObject", KEY | {"Body": "two", "IfMatch": "$tag"}, keeps={"newer": "ETag"}),
    s3(
        "PutObject",
        KEY | {"Body": "x", "IfMatch": "$tag"},
        fails="PreconditionFailed",
        modelled=False,
    ),
    s3("PutObject", {"Key": "peers/new", "Body": "n", "IfNoneMatch": "*"}),
    s3("PutObject", {"Key": "peers/none", "Body": "x", "IfMatch": "$tag"}, fails="NoSuchKey"),
    s3("PutObject", {"Bucket": "nowhere", "Key": "a"}, fails="NoSuchBucket"),
    s3("GetObject", KEY, says={"Body": "two", "ETag": "$newer", "ContentLength": 3}),
    s3("GetObject", KEY | {"IfNoneMatch": "$tag"}, says={"Body": "two"}),
    s3("GetObject", KEY | {"IfNoneMatch": "$newer"}, fails="304", modelled=False),
    s3("GetObject", {"Key": "peers/none"}, fails="NoSuchKey"),
    s3("GetObject", {"Bucket": "nowhere", "Key": "a"}, fails="NoSuchBucket"),
    s3("HeadObject", KEY, says={"ContentLength": 3, "ETag": "$newer"}),
    s3("HeadObject", {"Key": "peers/none"}, fails="404", modelled=False),
    s3(
        "ListObjectsV2",
        {"Prefix": "peers/"},
        says={"Contents[].Key": ["peers/a b&<ü>.txt", "peers/new"], "IsTruncated": False},
    ),
    s3(
        "ListObjectsV2",
        {"Prefix": "peers/", "MaxKeys": 1},
        says={"KeyCount": 1, "IsTruncated": True},
        keeps={"next": "NextContinuationToken"},
    ),
    s3(
        "ListObjectsV2",
        {"Prefix": "peers/", "ContinuationToken": "$next"},
        says={"Contents[].Key": ["peers/new"]},
    ),
    s3("ListObjectsV2", {"ContinuationToken": "made up"}, fails="InvalidArgument", modelled=False),
    s3(
        "ListObjectsV2",
        {"Delimiter": "/"},
        says={"CommonPrefixes[].Prefix": lambda found: "peers/" in found},
    ),
    s3("ListObjectsV2", {"Bucket": "nowhere"}, fails="NoSuchBucket"),
    s3("DeleteObject", {"Key": "peers/new"}),
    s3("DeleteObject", {"Key": "peers/new"}),
    s3("DeleteObject", KEY),
    s3("ListObjectsV2", {"Prefix": "peers/"}, says={"KeyCount": 0, "Contents": is_empty}),
]

CASES = [
    *CLUSTERS,
    *DEFINITIONS,
    *INSTANCES,
    *TASKS,
    *SIGNATURES,
    *GROUPS,
    *OBJECTS,
]
