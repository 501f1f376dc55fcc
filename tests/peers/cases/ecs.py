"""ECS: clusters, task definitions, instances, tasks on instances and on Fargate."""

from .case import Case, is_something

NOBODY = "0" * 32
"""What could be the id of a task or an instance, and is none's."""
WRONG = "InvalidParameterException"
CLIENT = "ClientException"
NO_CLUSTER = "ClusterNotFoundException"


def ecs(operation, parameters=None, **more):
    """A call of ECS."""
    return Case("ecs", operation, parameters or {}, **more)


def of_cluster(operation, parameters=None, **more):
    """A call of ECS about the cluster."""
    return ecs(operation, {"cluster": "$cluster"} | (parameters or {}), **more)


def nowhere(operation, parameters=None):
    """The same about a cluster that is not there."""
    return ecs(operation, {"cluster": "nowhere"} | (parameters or {}), fails=NO_CLUSTER)


def register(changes=None, **more):
    """Registers a task definition, `changes` apart like all others."""
    request = {"family": "peers", "containerDefinitions": [SLEEPER]}
    return ecs("RegisterTaskDefinition", request | (changes or {}), **more)


def overrides(name="sleeper", value="1"):
    """Overrides with one variable."""
    variable = {"name": "PEERS", "value": value}
    return {"containerOverrides": [{"name": name, "environment": [variable]}]}


def runs(request, **more):
    """Starts tasks."""
    return of_cluster("RunTask", request, **more)


SLEEPER = {
    "name": "sleeper",
    "image": "none",
    "cpu": 64,
    "memory": 64,
    "essential": True,
    "command": ["sleep", "600"],
}
LOG = {"logDriver": "awslogs", "options": {"awslogs-group": "peers"}}
FARGATE = {
    "family": "peers-fargate",
    "networkMode": "awsvpc",
    "requiresCompatibilities": ["FARGATE"],
    "cpu": "256",
    "memory": "512",
    "executionRoleArn": "arn:aws:iam::000000000000:role/peers",
    "runtimePlatform": {"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"},
    "containerDefinitions": [
        SLEEPER | {"logConfiguration": LOG, "stopTimeout": 30},
        SLEEPER | {"name": "watchdog", "environment": [{"name": "A", "value": "b"}]},
    ],
}
TAGS = [{"key": "loadtop:run", "value": "peers"}]
RUN = {"taskDefinition": "peers", "launchType": "EC2"}
ONE = RUN | {
    "count": 1,
    "clientToken": "peers-1",
    "startedBy": "peers/1",
    "overrides": overrides(),
    "tags": TAGS,
}
NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-1"], "assignPublicIp": "ENABLED"}}
VPC = {"taskDefinition": "peers-fargate", "networkConfiguration": NETWORK}


def strategy(*names):
    """A run by capacity providers."""
    return VPC | {"capacityProviderStrategy": [{"capacityProvider": name} for name in names]}


CLUSTERS = [
    ecs("ListClusters", keeps={"cluster_arn": "clusterArns[0]"}),
    ecs(
        "DescribeClusters",
        {"clusters": ["$cluster", "nowhere"], "include": ["STATISTICS"]},
        says={
            "clusters[].clusterName": ["loadtop"],
            "clusters[0].status": "ACTIVE",
            "clusters[0].capacityProviders": ["FARGATE", "FARGATE_SPOT"],
            "clusters[0].statistics": is_something,
            "failures[].reason": ["MISSING"],
        },
    ),
    ecs("DescribeClusters", {"clusters": ["$cluster_arn"]}, says={"failures": []}),
    ecs("DescribeClusters", says={"clusters": [], "failures[0].reason": "MISSING"}),
    ecs("DescribeClusters", {"clusters": "$many"}, fails=WRONG),
    ecs(
        "DescribeCapacityProviders",
        {"capacityProviders": ["FARGATE", "FARGATE_SPOT", "other"]},
        says={
            "capacityProviders[].name": ["FARGATE", "FARGATE_SPOT"],
            "capacityProviders[].status": ["ACTIVE", "ACTIVE"],
            "failures[].reason": ["MISSING"],
        },
    ),
    of_cluster("DescribeCapacityProviders", {"maxResults": 1}, says={"nextToken": is_something}),
    ecs("DescribeCapacityProviders", {"capacityProviders": "$many"}, fails=WRONG),
    nowhere("DescribeCapacityProviders"),
]

DEFINITIONS = [
    register(
        {"tags": TAGS},
        says={
            "taskDefinition.revision": 1,
            "taskDefinition.status": "ACTIVE",
            "taskDefinition.containerDefinitions[0].command": ["sleep", "600"],
            "tags": TAGS,
        },
        keeps={"definition": "taskDefinition.taskDefinitionArn"},
    ),
    register(
        FARGATE,
        says={
            "contains(taskDefinition.compatibilities, 'FARGATE')": True,
            "taskDefinition.containerDefinitions[].name": ["sleeper", "watchdog"],
            "taskDefinition.containerDefinitions[0].logConfiguration": LOG,
        },
    ),
    register(FARGATE | {"networkMode": "bridge"}, fails=CLIENT, because="network mode"),
    register(FARGATE | {"cpu": "300"}, fails=CLIENT, because="No Fargate configuration exists"),
    register({"family": "not good"}, fails=CLIENT),
    register({"containerDefinitions": []}, fails=CLIENT),
    register({"containerDefinitions": [SLEEPER, SLEEPER]}, fails=CLIENT, because="unique"),
    register(
        {"containerDefinitions": [{"name": "a", "image": "none"}]},
        fails=CLIENT,
        because="memory",
    ),
    register(
        {"containerDefinitions": [SLEEPER | {"stopTimeout": 1}]},
        fails=CLIENT,
        because="at least 2 seconds",
    ),
    ecs("DescribeTaskDefinition", {"taskDefinition": "peers"}),
    ecs(
        "DescribeTaskDefinition",
        {"taskDefinition": "peers:1", "include": ["TAGS"]},
        says={"tags": TAGS},
    ),
    ecs(
        "DescribeTaskDefinition",
        {"taskDefinition": "$definition"},
        says={"taskDefinition.family": "peers"},
    ),
    ecs("DescribeTaskDefinition", {"taskDefinition": "loadtop-agent"}),
    ecs("DescribeTaskDefinition", {"taskDefinition": "nothing"}, fails=CLIENT),
    register({"family": "peers-old"}, keeps={"old": "taskDefinition.taskDefinitionArn"}),
    ecs(
        "DeregisterTaskDefinition",
        {"taskDefinition": "$old"},
        says={"taskDefinition.status": "INACTIVE"},
    ),
    ecs("DeregisterTaskDefinition", {"taskDefinition": "nothing:1"}, fails=CLIENT),
    ecs(
        "ListTaskDefinitions",
        {"familyPrefix": "peers", "sort": "DESC"},
        says={"taskDefinitionArns": ["$definition"]},
    ),
    ecs("ListTaskDefinitions", {"status": "INACTIVE"}, says={"taskDefinitionArns": ["$old"]}),
    ecs("ListTaskDefinitions", {"maxResults": 1}, says={"nextToken": is_something}),
    ecs("ListTaskDefinitions", {"maxResults": 101}, fails=WRONG),
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
    nowhere("ListContainerInstances"),
    of_cluster(
        "DescribeContainerInstances",
        {"containerInstances": ["$instance", NOBODY]},
        says={
            "containerInstances[].status": ["ACTIVE"],
            "containerInstances[0].agentConnected": True,
            "failures[].reason": ["MISSING"],
        },
    ),
    of_cluster("DescribeContainerInstances", {"containerInstances": []}, fails=WRONG),
    of_cluster("DescribeContainerInstances", {"containerInstances": "$many"}, fails=WRONG),
    nowhere("DescribeContainerInstances", {"containerInstances": [NOBODY]}),
    of_cluster(
        "UpdateContainerInstancesState",
        {"containerInstances": ["$instance"], "status": "DRAINING"},
        says={"containerInstances[0].status": "DRAINING", "failures": []},
    ),
    runs(RUN, fails=WRONG, because="No Container Instances were found"),
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
        {"containerInstances": [NOBODY] * 11, "status": "ACTIVE"},
        fails=WRONG,
    ),
]

TASKS = [
    runs(
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
    runs(ONE, says={"tasks[].taskArn": ["$task"]}),
    runs(ONE | {"count": 2}, fails="ConflictException", says={"resourceIds": ["$task"]}),
    runs(RUN | {"count": 0}, fails=WRONG, because="count"),
    runs(RUN | {"count": 11}, fails=WRONG, because="count"),
    runs(RUN | {"clientToken": "x" * 65}, fails=WRONG, because="clientToken"),
    runs(RUN | {"startedBy": "x" * 129}, fails=WRONG, because="startedBy"),
    runs(
        RUN | {"overrides": overrides(value="x" * 8192)},
        fails=WRONG,
        because="Container Overrides length must be at most 8192",
    ),
    runs(RUN | {"overrides": overrides("other")}, fails=WRONG, because="other"),
    runs(RUN | {"tags": [{"key": "aws:a", "value": ""}]}, fails=WRONG, because="reserved"),
    runs({"taskDefinition": "nothing"}, fails=CLIENT),
    runs({"taskDefinition": "peers-old:1"}, fails=WRONG, because="inactive"),
    nowhere("RunTask", RUN),
    runs(
        {"taskDefinition": "loadtop-agent", "count": 10, "startedBy": "peers/many"},
        says={"failures[0].reason": lambda reason: reason.startswith("RESOURCE:")},
    ),
    of_cluster("ListTasks", {"startedBy": "peers/1"}, says={"taskArns": ["$task"]}),
    of_cluster("ListTasks", {"family": "peers"}, says={"taskArns": ["$task"]}),
    of_cluster("ListTasks", {"containerInstance": "$instance"}, says={"taskArns": is_something}),
    of_cluster("ListTasks", {"startedBy": "peers/1", "desiredStatus": "RUNNING"}, fails=WRONG),
    # The agents of above have nothing to do, and end: a second one that stays.
    runs(RUN | {"startedBy": "peers/2"}, says={"length(tasks)": 1}),
    of_cluster(
        "ListTasks",
        {"maxResults": 1},
        says={"length(taskArns)": 1, "nextToken": is_something},
        keeps={"page": "nextToken"},
    ),
    of_cluster("ListTasks", {"nextToken": "$page"}, says={"taskArns": is_something}),
    of_cluster("ListTasks", {"maxResults": 101}, fails=WRONG),
    of_cluster("ListTasks", {"desiredStatus": "RESTING"}, fails=WRONG),
    of_cluster("ListTasks", {"containerInstance": NOBODY}, fails=WRONG),
    of_cluster("ListTasks", {"serviceName": "none"}, fails="ServiceNotFoundException"),
    nowhere("ListTasks"),
    of_cluster(
        "DescribeTasks",
        {"tasks": ["$task", NOBODY]},
        says={
            "tasks[].lastStatus": ["RUNNING"],
            "tasks[].containers[].name": ["sleeper"],
            "tasks[0].overrides.containerOverrides[0].environment[0].name": "PEERS",
            "tasks[0].tags": [],
            "failures[].reason": ["MISSING"],
        },
        waits=True,
    ),
    of_cluster(
        "DescribeTasks", {"tasks": ["$task"], "include": ["TAGS"]}, says={"tasks[0].tags": TAGS}
    ),
    of_cluster("DescribeTasks", {"tasks": []}, fails=WRONG),
    of_cluster("DescribeTasks", {"tasks": ["no-task"]}, fails=WRONG, because="length"),
    of_cluster("DescribeTasks", {"tasks": "$many"}, fails=WRONG),
    nowhere("DescribeTasks", {"tasks": [NOBODY]}),
    ecs("TagResource", {"resourceArn": "$task", "tags": [{"key": "more", "value": "1"}]}),
    ecs(
        "ListTagsForResource",
        {"resourceArn": "$task"},
        says={"tags[].key": ["loadtop:run", "more"]},
    ),
    ecs(
        "TagResource",
        {"resourceArn": "$task", "tags": [{"key": "aws:a", "value": ""}]},
        fails=WRONG,
    ),
    ecs("ListTagsForResource", {"resourceArn": "$nobody"}, fails=WRONG),
    ecs(
        "TagResource",
        {"resourceArn": "$nobody", "tags": TAGS},
        fails="ResourceNotFoundException",
    ),
    of_cluster(
        "StopTask",
        {"task": "$task", "reason": "the peers have seen it"},
        says={
            "task.desiredStatus": "STOPPED",
            "task.stopCode": "UserInitiated",
            "task.stoppedReason": "the peers have seen it",
        },
    ),
    of_cluster("StopTask", {"task": NOBODY}, fails=WRONG, because="was not found"),
    nowhere("StopTask", {"task": NOBODY}),
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

ON_FARGATE = [
    runs(
        VPC | {"launchType": "FARGATE", "platformVersion": "LATEST", "count": 2},
        says={
            "length(tasks)": 2,
            "tasks[0].launchType": "FARGATE",
            "tasks[0].containerInstanceArn": None,
            "tasks[0].attachments[0].type": "ElasticNetworkInterface",
        },
        keeps={"fargate": "tasks[].taskArn", "first": "tasks[0].taskArn"},
    ),
    of_cluster(
        "DescribeTasks",
        {"tasks": "$fargate"},
        says={
            "tasks[].lastStatus": ["RUNNING", "RUNNING"],
            "tasks[0].attachments[0].status": "ATTACHED",
        },
        waits=True,
    ),
    of_cluster("ListTasks", {"launchType": "FARGATE"}, says={"taskArns": "$fargate"}),
    runs(
        strategy("FARGATE_SPOT"),
        says={"tasks[0].capacityProviderName": "FARGATE_SPOT"},
        keeps={"spot": "tasks[0].taskArn"},
    ),
    runs(
        {"taskDefinition": "peers-fargate", "launchType": "FARGATE"},
        fails=WRONG,
        because="Network Configuration must be provided",
    ),
    runs(RUN | {"launchType": "FARGATE"}, fails=WRONG, because="does not support launch_type"),
    runs(RUN | {"launchType": "MOON"}, fails=WRONG),
    runs(
        VPC | {"launchType": "FARGATE", "platformVersion": "9.9.9"},
        fails="PlatformUnknownException",
    ),
    runs(strategy("other"), fails=WRONG, because="not associated with the cluster"),
    runs(strategy("FARGATE") | {"launchType": "FARGATE"}, fails=WRONG, because="both"),
    of_cluster("StopTask", {"task": "$spot"}),
    of_cluster("StopTask", {"task": "$first"}, says={"task.stopCode": "UserInitiated"}),
    of_cluster(
        "DescribeTasks",
        {"tasks": ["$first", "$spot"]},
        says={"tasks[].lastStatus": ["STOPPED", "STOPPED"]},
        waits=True,
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
]

CASES = [*CLUSTERS, *DEFINITIONS, *INSTANCES, *TASKS, *ON_FARGATE, *SIGNATURES]
