"""Auto Scaling: the group's size, and its machines."""

from .case import Case, is_something


def scaling(operation, parameters=None, **more):
    """A call of Auto Scaling."""
    return Case("autoscaling", operation, parameters or {}, **more)


def of_group(operation, parameters=None, **more):
    """A call of Auto Scaling about the group."""
    return scaling(operation, {"AutoScalingGroupName": "$group"} | (parameters or {}), **more)


INVALID = {"fails": "ValidationError", "modelled": False}
"""What is out of its range, by a code that the model does not have."""
SWITCH = {"ScheduledActionName": "peers", "MinSize": 0, "DesiredCapacity": 0}

CASES = [
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
    of_group("UpdateAutoScalingGroup", {"MinSize": 0, "MaxSize": 9}),
    scaling("DescribeAutoScalingGroups", says={"AutoScalingGroups[0].MaxSize": 9}),
    of_group("UpdateAutoScalingGroup", {"MinSize": 5, "MaxSize": 4}, **INVALID),
    scaling("UpdateAutoScalingGroup", {"AutoScalingGroupName": "nowhere"}, **INVALID),
    of_group("PutScheduledUpdateGroupAction", SWITCH | {"StartTime": "$later"}),
    of_group(
        "DescribeScheduledActions",
        {"ScheduledActionNames": ["peers"]},
        says={
            "ScheduledUpdateGroupActions[].ScheduledActionName": ["peers"],
            "ScheduledUpdateGroupActions[].StartTime": ["$later"],
            "ScheduledUpdateGroupActions[].DesiredCapacity": [0],
        },
    ),
    of_group(
        "PutScheduledUpdateGroupAction",
        SWITCH | {"StartTime": "$earlier"},
        because="in the past",
        **INVALID,
    ),
    of_group(
        "PutScheduledUpdateGroupAction",
        SWITCH | {"ScheduledActionName": "another", "StartTime": "$later"},
        fails="AlreadyExists",
    ),
    of_group("DeleteScheduledAction", {"ScheduledActionName": "peers"}),
    of_group("DeleteScheduledAction", {"ScheduledActionName": "peers"}, **INVALID),
    of_group("DescribeScheduledActions", says={"ScheduledUpdateGroupActions": []}),
    of_group("DescribeScheduledActions", {"MaxRecords": 101}, **INVALID),
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
]
