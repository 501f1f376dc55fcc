"""loadtop itself runs against moto and ministack: whole runs, steered and lost ones.

ECS, Auto Scaling and S3 are moto's, CloudWatch is ministack's; agents are real, and so
is what they talk to: a `loadtop target` that counts for itself.
"""

import contextlib
import dataclasses
import datetime
import json
import re
import signal
import subprocess
import time

import emulators
import hlog
from checks import ensure, eventually
from fleet import AGENT, BUCKET, CLUSTER, GROUP, PROGRAM, Fleet, client, furnish
from processes import KEYS, REGION, Lines, complete, practice_target, running

RUN_WITHIN = 150
"""How long a whole run may take, in seconds."""
DEVICES = 200
PER_TASK = 25
HOLD_S = 12
ROOM = 4
"""Tasks that fit on a machine: the run needs two machines, and begins with one."""

LEASE_S = 120
PLACE = f"""
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
ON_FARGATE = """
[capacity]
fargate = "on-demand"
subnets = ["{subnet}"]
security-groups = ["{security_group}"]
[task]
image = "loadtop:judged"
cpu = 256
memory = 512
agent = true
family = "judged-fargate"
"""


@dataclasses.dataclass
class Site:
    """Where loadtop runs: two emulators, the machines and tasks between them."""

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


@contextlib.contextmanager
def site(ground):
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
        (ground.home / "loadtop.toml").write_text(PLACE + ON_MACHINES)
        furnish(moto, machines=1, most=5, room=ROOM)
        logs = ground.home / "agents"
        logs.mkdir(exist_ok=True)
        fleet = stack.enter_context(Fleet(ground.loadtop, moto, environment, logs, exit_codes))
        yield Site(ground.loadtop, ground.home, moto, ministack, environment, fleet)


def judge(report, ground):
    """A run from beginning to end, then one that is steered from outside."""
    with site(ground) as place:
        whole_run(report, place)
        steered_run(report, place)
        run_of_programs(report, place)
        runs_on_fargate(report, place)


@contextlib.contextmanager
def counted_target(place):
    """A target; `counts()` ends it and says what it got."""
    with practice_target(place.loadtop, place.home) as (process, lines):
        url = json.loads(lines.next())["listening"]

        def counts():
            process.send_signal(signal.SIGTERM)
            return json.loads(lines.next())

        yield url, counts


def whole_run(report, place):
    """`run --headless` against the emulators; its books balance everywhere."""
    with counted_target(place) as (url, counts):
        summary = {}
        with report.check("loadtop runs against moto and ministack"):
            found, words = place.loadtop_says(
                *("run", "--headless", "--json", "--target", url, "-n", DEVICES),
                *("--devices-per-task", PER_TASK, "--ramp-up", "3s", "--hold-for", HOLD_S),
            )
            summary |= found
        got = counts()
    if not summary:
        return
    run = summary["run"]
    with report.check("the summary is that of a run that passed"):
        check_summary(summary)
    with report.check("it told live figures, which it can have from CloudWatch only"):
        live = rf"{DEVICES} of {DEVICES} devices connected.* [1-9]\d* requests"
        ensure(re.search(live, words), f"no line like {live!r}: {words.strip()}")
    with report.check("the target counted what the summary says"):
        sent = summary["requests"] + summary["unfinished"]
        ensure(got["lines"] == sent, f"{got['lines']} lines, {sent} requests")
        ensure(got["peak"] == DEVICES, f"{got['peak']} connections at once")
    with report.check("the group was told to have the second machine that the run needs"):
        ensure(place.desired() == 2, f"{place.desired()} machines")
    with report.check("as many agents as the summary says ran, and all ended well"):
        check_ended(place, run, [0] * summary["tasks"]["started"])
    with report.check("CloudWatch has the run's metrics, and as many requests"):
        check_metrics(place, summary)
    with report.check("the bucket has the objects of the contract"):
        check_objects(place, run)
    with report.check("HdrHistogram's own reader finds the summary's percentiles"):
        parts = [key for key in place.objects(run) if key.startswith("results/")]
        hlog.judge([place.object(run, key).decode() for key in parts], summary)


def check_ended(place, run, codes):
    """All processes of a run have ended, with these exit codes."""
    eventually("no process is left", lambda: place.fleet.processes_left() == 0)
    ended = place.fleet.ended[run]
    ensure(sorted(ended) == sorted(codes), f"exit codes: {ended}, not {codes}")
    ensure(not place.tasks_left(), f"moto: {place.tasks_left()}")


def check_summary(summary):
    """What must hold of the run's own figures."""
    wanted = {
        "result": "passed",
        "exit_code": 0,
        "source": "merged histograms",
    }
    for name, value in wanted.items():
        ensure(summary[name] == value, f"{name} is {summary[name]!r}")
    devices, tasks = summary["devices"], summary["tasks"]
    ensure(devices["requested"] == devices["peak_connected"] == DEVICES, f"devices: {devices}")
    ensure(tasks["started"] == DEVICES // PER_TASK, f"tasks: {tasks}")
    ensure(tasks["failed"] == tasks["left_running"] == 0, f"tasks: {tasks}")
    ensure(summary["errors"]["total"] == 0, f"errors: {summary['errors']}")
    # A request a second and device while the load is held.
    ensure(summary["requests"] >= DEVICES * 8, f"{summary['requests']} requests")
    coverage = summary["coverage"]
    ensure(coverage["reporting"] == coverage["tasks"], f"coverage: {coverage}")
    calls = summary["api_calls"]
    ensure(calls.get("RunTask") == DEVICES // PER_TASK, f"calls: {calls}")
    ensure(calls.get("GetMetricData", 0) >= 1, f"no live figures: {calls}")


def check_metrics(place, summary):
    """ministack counts as the summary does."""
    cloudwatch = client("cloudwatch", place.ministack)
    run = {"Name": "Run", "Value": summary["run"]}
    names = set()
    for page in cloudwatch.get_paginator("list_metrics").paginate(Namespace="loadtop"):
        names |= {it["MetricName"] for it in page["Metrics"] if run in it["Dimensions"]}
    missing = {"Requests", "Errors", "Devices", "ResponseTime", "ServiceTime", "Lag"} - names
    ensure(not missing, f"no metrics {missing}")
    now = datetime.datetime.now(datetime.timezone.utc)

    def values(name, stat, period, *more):
        metric = {"Namespace": "loadtop", "MetricName": name, "Dimensions": [run, *more]}
        answer = cloudwatch.get_metric_data(
            MetricDataQueries=[
                {"Id": "it", "MetricStat": {"Metric": metric, "Period": period, "Stat": stat}}
            ],
            StartTime=now - datetime.timedelta(minutes=10),
            EndTime=now + datetime.timedelta(minutes=1),
        )
        return answer["MetricDataResults"][0]["Values"]

    for name, stat in [("Requests", "Sum"), ("ResponseTime", "SampleCount")]:
        found = sum(values(name, stat, 60))
        ensure(found == summary["requests"], f"{name}: {found}, not {summary['requests']}")
    connected = {"Name": "State", "Value": "connected"}
    tasks = values("Devices", "SampleCount", 1, connected)
    ensure(max(tasks) == DEVICES // PER_TASK, f"reports in a second: {tasks}")
    devices = values("Devices", "Sum", 1, connected)
    held = [count for count in devices if count == DEVICES]
    ensure(max(devices) == DEVICES and len(held) >= HOLD_S - 2, f"devices: {devices}")


def check_objects(place, run):
    """DESIGN's list of a run's objects, and what they say at its end."""
    keys = place.objects(run)
    for pattern, least in [
        (r"wish\.json", 1),
        (r"leader\.json", 1),
        (r"run\.json", 1),
        (r"plan-\d+\.json", 1),
        (r"slots/.+", 1),
        (r"results/[^/]+/\d+\.hlog", DEVICES // PER_TASK),
    ]:
        found = [key for key in keys if re.fullmatch(pattern, key)]
        ensure(len(found) >= least, f"{len(found)} objects like {pattern} among {keys}")
    wish = json.loads(place.object(run, "wish.json"))
    ensure(wish["state"] == "stop", f"wish: {wish}")
    registry = json.loads(place.object(run, "run.json"))
    ensure(registry["run"] == run and registry["ended_at"], f"run.json: {registry}")


def steered_run(report, place):
    """A run that goes on: `status`, `add` and `killall` from other processes."""
    with counted_target(place) as (url, counts), contextlib.ExitStack() as stack:
        words = place.words(
            *("run", "--headless", "--json", "--target", url, "-n", 50),
            *("--devices-per-task", PER_TASK, "--ramp-up", "1s", "--hold-for", "10m"),
        )
        log = place.home / "steered.log"
        process = stack.enter_context(
            running(words, log, place.environment, stdout=subprocess.PIPE, text=True)
        )
        lines, run = Lines(process), None
        with report.check("status finds the run on moto, with its tasks"):
            run = eventually("two tasks run", lambda: tasks_run(place, 2))
        if run is None:
            return
        with report.check("add: fifty more devices, and two more tasks"):
            answer, _ = place.loadtop_says("add", "50", "--ramp-up", "1s", "--wait=60s", "--json")
            ensure(answer["result"] == "done" and answer["run"] == run, f"{answer}")
            ensure(answer["devices"]["live"] == 100, f"{answer}")
            eventually("four tasks run", lambda: tasks_run(place, 4))
        with report.check("the group has its dead man's switch, set for the lease"):
            check_switch(place)
        with report.check("a task whose agent is killed is replaced"):
            place.fleet.kill_one()
            eventually("a fifth was started", lambda: len(place.fleet.started[run]) == 5)
            eventually("four tasks run again", lambda: tasks_run(place, 4))
        with report.check("killall ends the run from outside, and its machines go"):
            words = ("--yes", "--scale-to-zero", "--wait", "1m", "--json")
            answer, _ = place.loadtop_says("killall", *words)
            ensure(answer["result"] == "done", f"{answer}")
            check_ended(place, run, [-signal.SIGKILL, 0, 0, 0, 0])
            ensure(place.desired() == 0, f"{place.desired()} machines")
            ensure(not place.switches(), f"switches: {place.switches()}")
        with report.check("the run's own process ends, and says what was lost"):
            process.wait(RUN_WITHIN)
            summary = json.loads("\n".join(lines.rest()))
            tasks = summary["tasks"]
            ensure(tasks["started"] == 5 and tasks["failed"] == 1, f"{tasks}")
            ensure(tasks["left_running"] == 0, f"{tasks}")
            # What the killed one did since its last part is in nobody's books.
            sent, got = summary["requests"] + summary["unfinished"], counts()
            ensure(0 < sent <= got["lines"], f"{got['lines']} lines, {sent} requests")
            ensure(summary["coverage"]["reporting"] >= 4, f"{summary['coverage']}")
        with report.check("status says that no run is on"):
            answer, _ = place.loadtop_says("status", "--json")
            ensure(answer["runs"] == [], f"{answer}")


def check_switch(place):
    """One action sets minimum and desired to zero, when the lease is over and not before."""
    switches = eventually("there is a switch", place.switches)
    ensure(len(switches) == 1, f"{switches}")
    switch = switches[0]
    ensure(switch["MinSize"] == switch["DesiredCapacity"] == 0, f"{switch}")
    now = datetime.datetime.now(datetime.timezone.utc)
    left = (switch["StartTime"] - now).total_seconds()
    ensure(LEASE_S / 2 - 5 <= left <= LEASE_S + 300, f"{left:.0f} s are left of the switch")


def run_of_programs(report, place):
    """A task definition of the user's own: each device a task, ended by StopTask."""
    devices = 3
    with report.check("programs that know nothing of loadtop are started and stopped"):
        summary, _ = place.loadtop_says(
            *("run", "--headless", "--json", "-n", devices, "--ramp-up", "1s", "--hold-for", "2s"),
            *("--task-definition", PROGRAM, "--container", PROGRAM, "--identity", "DEVICE"),
        )
        ensure(summary["result"] == "passed", f"{summary}")
        ensure(summary["tasks"]["started"] == devices, f"{summary['tasks']}")
        ensure(summary["api_calls"]["StopTask"] == devices, f"{summary['api_calls']}")
        told = place.fleet.started[summary["run"]]
        ids = {environment["DEVICE"] for environment in told}
        ensure(len(ids) == devices, f"ids: {ids}")
        check_ended(place, summary["run"], [-signal.SIGTERM] * devices)


def runs_on_fargate(report, place):
    """Twice on Fargate, by a task definition that loadtop registers, once."""
    ec2 = client("ec2", place.moto)
    subnet = ec2.describe_subnets()["Subnets"][0]
    groups = ec2.describe_security_groups()["SecurityGroups"]
    group = next(it for it in groups if it["VpcId"] == subnet["VpcId"])
    told = ON_FARGATE.format(subnet=subnet["SubnetId"], security_group=group["GroupId"])
    (place.home / "fargate.toml").write_text(PLACE + told)
    place = dataclasses.replace(place, config="fargate.toml")
    ecs = client("ecs", place.moto)
    for which in ("a run on Fargate registers its task definition", "the next one finds it"):
        with report.check(which), counted_target(place) as (url, counts):
            summary, _ = place.loadtop_says(
                *("run", "--headless", "--json", "--target", url, "-n", 50),
                *("--devices-per-task", PER_TASK, "--ramp-up", "1s", "--hold-for", "2s"),
            )
            ensure(summary["result"] == "passed", f"{summary}")
            ensure(summary["tasks"]["started"] == 2, f"{summary['tasks']}")
            sent, got = summary["requests"] + summary["unfinished"], counts()
            ensure(got["lines"] == sent, f"{got['lines']} lines, {sent} requests")
            check_ended(place, summary["run"], [0, 0])
            by = f"loadtop/{summary['run']}"
            arns = ecs.list_tasks(cluster=CLUSTER, startedBy=by)["taskArns"]
            tasks = ecs.describe_tasks(cluster=CLUSTER, tasks=arns)["tasks"]
            kinds = {task["launchType"] for task in tasks}
            ensure(kinds == {"FARGATE"}, f"launch types: {kinds}")
            addresses = {it["value"] for task in tasks for it in task["attachments"][0]["details"]}
            ensure(subnet["SubnetId"] in addresses, f"{addresses}")
            found = ecs.list_task_definitions(familyPrefix="judged-fargate")
            ensure(len(found["taskDefinitionArns"]) == 1, f"{found['taskDefinitionArns']}")


def tasks_run(place, tasks):
    """The id of the only run, once so many of its tasks run."""
    runs = place.loadtop_says("status", "--json")[0]["runs"]
    ensure(len(runs) <= 1, f"{len(runs)} runs")
    for run in runs:
        if (run["tasks"] or {}).get("running") == tasks:
            return run["run"]
    time.sleep(0.3)
    return None
