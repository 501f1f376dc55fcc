"""What boto3 calls on the local cloud, in this order, and what the answers say.

`$name` stands for what is known under that name: `cluster`, `group`, `bucket`, and
whatever an earlier case keeps. Paths are JMESPath. Another operation is another line;
another service another file, and its name below.
"""

from . import account, autoscaling, ecs, s3

SERVICES = ["ecs", "autoscaling", "s3", "sts", "iam", "ec2", "service-quotas"]
"""The services that boto3 drives the local cloud in, as boto3 calls them."""

CASES = [*ecs.CASES, *autoscaling.CASES, *s3.CASES, *account.CASES]
