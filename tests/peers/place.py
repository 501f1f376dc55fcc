"""Where loadtop runs: moto and ministack, machines and tasks between them, a target.

ECS, Auto Scaling and S3 are moto's, CloudWatch is ministack's; agents are real, and so
is what they talk to: a `loadtop target` that counts for itself.
"""

import contextlib
import dataclasses
import json
import signal

import emulators
from checks import ensure, eventually
from fleet import AGENT, BUCKET, CLUSTER, GROUP, Fleet, client, furnish
from processes import KEYS, REGION, complete, practice_target

RUN_WITHIN = 150
"""How long a whole run may take, in seconds."""
ROOM = 4
"""Tasks that fit on a machine."""
LEASE_S = 120
HERE = f"""
region = "{REGION}"
cluster = "{CLUSTER}"
bucket = "{BUCKET}"
run = {{ lease = {LEASE_S} }}
"""
"""What loadtop is told of the place; where its services are is in the environment. Should
we be killed, agents end with their lease."""
ON_MACHINES = f"""
capacity = {{ group = "{GROUP}", own = true }}
task = {{ definition = "{AGENT}", container = "{AGENT}", agent = true }}
"""


@dataclasses.dataclass
class Place:
    """A place that is furnished."""

    loadtop: object
    home: object
    moto: str
    ministack: str
    environment: dict
    fleet: Fleet
    config: str = "loadtop.toml"

    def words(self, *words):
        """The command line of loadtop for this place."""
        return [self.loadtop, *words, "--config", self.home / self.config]

    def loadtop_says(self, *words):
        """Runs loadtop to its end; the answer is what it printed as JSON, and its words."""
        code, out, err = complete(self.words(*words), RUN_WITHIN, self.environment)
        ensure(code == 0, f"exit code {code}: {err.strip()}")
        return json.loads(out), err

    def objects(self, run):
        """The keys of a run's objects, relative to its prefix."""
        prefix = f"loadtop/{run}/"
        pages = client("s3", self.moto).get_paginator("list_objects_v2")
        found = [
            item["Key"].removeprefix(prefix)
            for page in pages.paginate(Bucket=BUCKET, Prefix=prefix)
            for item in page.get("Contents", [])
        ]
        return sorted(found)

    def object(self, run, key):
        """One of them, as bytes."""
        answer = client("s3", self.moto).get_object(Bucket=BUCKET, Key=f"loadtop/{run}/{key}")
        return answer["Body"].read()

    def machines(self):
        """The container instances of the cluster."""
        ecs = client("ecs", self.moto)
        return ecs.list_container_instances(cluster=CLUSTER)["containerInstanceArns"]

    def switches(self):
        """The group's scheduled actions: the dead man's switch."""
        scaling = client("autoscaling", self.moto)
        answer = scaling.describe_scheduled_actions(AutoScalingGroupName=GROUP)
        return answer["ScheduledUpdateGroupActions"]

    def tasks_left(self):
        """Tasks that moto says are not STOPPED."""
        ecs = client("ecs", self.moto)
        arns = ecs.list_tasks(cluster=CLUSTER)["taskArns"]
        tasks = ecs.describe_tasks(cluster=CLUSTER, tasks=arns)["tasks"] if arns else []
        return [task["taskArn"] for task in tasks if task["lastStatus"] != "STOPPED"]

    def desired(self):
        """How many machines there should be."""
        groups = client("autoscaling", self.moto).describe_auto_scaling_groups()
        return groups["AutoScalingGroups"][0]["DesiredCapacity"]

    def ensure_ended(self, run, codes):
        """All processes of a run have ended, with these exit codes."""
        eventually("no process is left", lambda: self.fleet.processes_left() == 0)
        ended = self.fleet.ended[run]
        ensure(sorted(ended) == sorted(codes), f"exit codes: {ended}, not {codes}")
        ensure(not self.tasks_left(), f"moto: {self.tasks_left()}")


@contextlib.contextmanager
def furnished(ground):
    """The place, furnished."""
    with contextlib.ExitStack() as stack:
        moto = stack.enter_context(emulators.moto(ground.home))
        ministack = stack.enter_context(emulators.ministack(ground.home))
        exit_codes = {}
        front = stack.enter_context(emulators.front_of_moto(moto, exit_codes))
        metrics = stack.enter_context(emulators.front_of_ministack(ministack))
        environment = KEYS | {
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": front,
            "AWS_ENDPOINT_URL_CLOUDWATCH": metrics,
        }
        (ground.home / "loadtop.toml").write_text(HERE + ON_MACHINES)
        furnish(moto, machines=1, most=5, room=ROOM)
        logs = ground.home / "agents"
        logs.mkdir(exist_ok=True)
        fleet = stack.enter_context(Fleet(ground.loadtop, moto, environment, logs, exit_codes))
        yield Place(ground.loadtop, ground.home, moto, ministack, environment, fleet)


@contextlib.contextmanager
def counted_target(place):
    """A target; `counts()` ends it and says what it got."""
    with practice_target(place.loadtop, place.home) as (process, lines):
        url = json.loads(lines.next())["listening"]

        def counts():
            process.send_signal(signal.SIGTERM)
            return json.loads(lines.next())

        yield url, counts
