"""The AWS CLI runs every command that the sources call the equivalent of a call.

The commands are taken from the documentation of src/cloud, so the list cannot drift: a
command or a placeholder that this judge has no value for fails. Those of CloudWatch run
on ministack, since the CLI and the local cloud have no protocol for it in common.
"""

import dataclasses
import itertools
import json
import re
import shlex
import time

from checks import ensure, eventually
from processes import complete, tools

WITHIN = 60
"""How long one command may take, in seconds."""


def documented(sources):
    """The commands, with where each stands: the text between the backticks."""
    for file in sorted((sources / "cloud").rglob("*.rs")):
        block, begun = [], 0
        for number, line in enumerate([*file.read_text().splitlines(), ""], 1):
            text = line.strip()
            if text.startswith("///"):
                begun = begun if block else number
                block.append(text.removeprefix("///").strip())
                continue
            for command in re.findall(r"`(aws [^`]+)`", " ".join(block)):
                yield f"{file.relative_to(sources)}:{begun}", command
            block = []


def variants(command):
    """The command with each choice made: `[a | b]` may be left out, `A|B` may not."""
    optional = re.search(r"\[([^\]]*)\]", command)
    if optional:
        before, after = command[: optional.start()], command[optional.end() :]
        choices = ["", *optional.group(1).split(" | ")]
        return [
            variant
            for choice in choices
            for variant in variants(f"{before}{choice.strip()}{after}")
        ]
    words = [word.split("|") for word in shlex.split(command, posix=False)]
    return [" ".join(choice) for choice in itertools.product(*words)]


def is_placeholder(word):
    """`C`, `ARN`, `TAG`, or what was left out: `…`; a constant such as EC2 is none."""
    return word == "…" or word in ("ARN", "TAG") or re.fullmatch("[A-Z]", word) is not None


@dataclasses.dataclass
class World:
    """What commands are about; each value is made when it is asked for."""

    exports: dict
    clients: object
    """boto3's clients of the local cloud."""
    folder: object
    """Where files of the commands are."""
    number: int = 0

    def another(self, kind):
        """A name that nobody else has."""
        self.number += 1
        return f"peers-{kind}-{self.number}"

    @property
    def cluster(self):
        """The cluster's name."""
        return self.exports["LOADTOP_CLUSTER"]

    @property
    def bucket(self):
        """The bucket's name."""
        return self.exports["LOADTOP_BUCKET"]

    def instance(self):
        """The ARN of a container instance."""
        ecs = self.clients.of("ecs")

        def registered():
            return ecs.list_container_instances(cluster=self.cluster)["containerInstanceArns"]

        return eventually("an instance is registered", registered)[0]

    def machine(self):
        """The id of a machine of the group."""
        groups = self.clients.of("autoscaling").describe_auto_scaling_groups()
        return groups["AutoScalingGroups"][0]["Instances"][0]["InstanceId"]

    def task(self):
        """The ARN of a task of its own."""
        self.instance()
        ecs = self.clients.of("ecs")
        answer = ecs.run_task(cluster=self.cluster, taskDefinition="loadtop-agent")
        ensure(answer["tasks"], f"no task: {answer['failures']}")
        return answer["tasks"][0]["taskArn"]

    def definition(self, words):
        """A task definition that the command's launch type can run."""
        if "FARGATE" not in words:
            return "loadtop-agent"
        self.clients.of("ecs").register_task_definition(**FARGATE)
        return FARGATE["family"]

    def caller(self):
        """The ARN of whoever calls."""
        return self.clients.of("sts").get_caller_identity()["Arn"]

    def action(self, words):
        """The name of a scheduled action: one that is there, unless it is to be made."""
        name = self.another("action")
        if "put-scheduled-update-group-action" not in words:
            self.clients.of("autoscaling").put_scheduled_update_group_action(
                AutoScalingGroupName=self.exports["LOADTOP_GROUP"],
                ScheduledActionName=name,
                StartTime=moment(1200 + self.number),
                DesiredCapacity=0,
            )
        return name

    def key(self):
        """The key of an object that is there."""
        key = self.another("key")
        self.clients.of("s3").put_object(Bucket=self.bucket, Key=key, Body=b"one")
        return key

    def tag(self, words):
        """The entity tag of the object that the command is about."""
        key = words[words.index("--key") + 1]
        return self.clients.of("s3").head_object(Bucket=self.bucket, Key=key)["ETag"]

    def file(self):
        """A file with something in it."""
        path = self.folder / self.another("file")
        path.write_text("two")
        return str(path)


def moment(offset):
    """A moment so many seconds from now, as the CLI takes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + offset))


QUERY = {
    "Id": "peers",
    "MetricStat": {
        "Metric": {"Namespace": "peers", "MetricName": "Seen"},
        "Period": 60,
        "Stat": "Sum",
    },
}
VARIABLE = {"name": "PEERS", "value": "1"}
QUOTA = ["--quota-code", "L-36FBB829"]
OVERRIDES = {"containerOverrides": [{"name": "agent", "environment": [VARIABLE]}]}
FARGATE = {
    "family": "peers-fargate",
    "networkMode": "awsvpc",
    "requiresCompatibilities": ["FARGATE"],
    "cpu": "256",
    "memory": "512",
    "containerDefinitions": [{"name": "agent", "image": "none", "command": ["sleep", "60"]}],
}
NETWORK = ["--network-configuration", "awsvpcConfiguration={subnets=[subnet-0000000a]}"]
PROGRAM = {"name": "a", "image": "none", "memory": 64, "command": ["sleep", "60"]}

VALUES = {
    "--action-names": lambda *_: "ecs:RunTask",
    "--auto-scaling-group-name": lambda world, _: world.exports["LOADTOP_GROUP"],
    "--auto-scaling-group-names": lambda world, _: world.exports["LOADTOP_GROUP"],
    "--body": lambda world, _: world.file(),
    "--bucket": lambda world, _: world.bucket,
    "--capacity-providers": lambda *_: "FARGATE",
    "--client-token": lambda world, _: world.another("token"),
    "--cluster": lambda world, _: world.cluster,
    "--clusters": lambda world, _: world.cluster,
    "--container-definitions": lambda *_: json.dumps([PROGRAM]),
    "--container-instances": lambda world, _: world.instance(),
    "--context-entries": lambda world, _: (
        f"ContextKeyName=ecs:cluster,ContextKeyValues={world.cluster},ContextKeyType=string"
    ),
    "--desired-capacity": lambda *_: "2",
    "--end-time": lambda *_: moment(0),
    "--family": lambda world, _: world.another("family"),
    "--group-ids": lambda *_: "sg-00000000",
    "--if-match": lambda world, words: world.tag(words),
    "--if-none-match": lambda *_: '"another"',
    "--instance-id": lambda world, _: world.machine(),
    "--key": lambda world, words: world.another("key") if "'*'" in words else world.key(),
    "--max-size": lambda *_: "10",
    "--metric-data": lambda *_: json.dumps([{"MetricName": "Seen", "Value": 1}]),
    "--metric-data-queries": lambda *_: json.dumps([QUERY]),
    "--min-size": lambda *_: "0",
    "--namespace": lambda *_: "peers",
    "--network-mode": lambda *_: "bridge",
    "--overrides": lambda *_: json.dumps(OVERRIDES),
    "--policy-source-arn": lambda world, _: world.caller(),
    "--prefix": lambda *_: "peers",
    "--quota-code": lambda *_: QUOTA[1],
    "--reason": lambda *_: "the peers have seen it",
    "--requires-compatibilities": lambda *_: "EC2",
    "--resource-arns": lambda *_: "*",
    "--scheduled-action-name": lambda world, words: world.action(words),
    "--scheduled-action-names": lambda world, words: world.action(words),
    "--service-code": lambda *_: "fargate",
    "--start-time": lambda _, words: moment(600 if "autoscaling" in words else -600),
    "--started-by": lambda *_: "peers",
    "--subnet-ids": lambda *_: "subnet-0000000a",
    "--tags": lambda *_: "key=loadtop:run,value=peers",
    "--task": lambda world, _: world.task(),
    "--task-definition": lambda world, words: world.definition(words),
    "--tasks": lambda world, _: world.task(),
    "get-aws-default-service-quota": lambda *_: ["--service-code", "fargate", *QUOTA],
}
"""What a placeholder stands for, by the option that it belongs to: a word, or several."""

UNNAMED = {
    "get-object": lambda world, _: [str(world.folder / "object")],
    "run-task": lambda _, words: NETWORK if "FARGATE" in words else [],
}
"""Arguments that a command needs beyond what is documented, by its name."""


def filled(variant, world):
    """The command's words, with values in the place of its placeholders."""
    words, made = variant.split(), []
    for word in words:
        if is_placeholder(word):
            option = made[-1]
            ensure(option in VALUES, f"no value for {word} of {option}: see VALUES")
            value = VALUES[option](world, made + words[len(made) :])
            made += value if isinstance(value, list) else [value]
        else:
            made.append("*" if word == "'*'" else word)
    return made[1:] + UNNAMED.get(made[2], lambda *_: [])(world, made)


def run(words, environment):
    """Runs the CLI; it ends with 0, and says nothing, or JSON without failures."""
    code, out, err = complete([tools("aws"), *words], WITHIN, environment)
    ensure(code == 0, f"exit code {code}: {err.strip()}")
    answer = json.loads(out) if out.strip() else {}
    ensure(not answer.get("failures"), f"{answer.get('failures')}")


def judge(report, sources, world, endpoints):
    """Every command in every variant; `endpoints` has an environment for each service,
    or a text that says why there is none."""
    commands = dict.fromkeys((command, where) for where, command in documented(sources))
    with report.check("the sources name commands of the AWS CLI"):
        ensure(len(commands) >= 15, f"only {len(commands)} were found")
    for command, where in commands:
        for variant in variants(command):
            what = f"{variant} ({where})"
            service = variant.split()[1]
            endpoint = endpoints.get(service, endpoints["local"])
            if isinstance(endpoint, str):
                report.skip(what, endpoint)
                continue
            with report.check(what):
                run(filled(variant, world), endpoint)
