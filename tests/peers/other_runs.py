"""What else there is to do: a look beforehand, steering, losses, programs, Fargate."""

import contextlib
import dataclasses
import datetime
import json
import signal
import subprocess

from checks import ensure, eventually
from fleet import CLUSTER, PROGRAM, client
from place import HERE, LEASE_S, RUN_WITHIN, counted_target
from processes import Lines, running

SELDOM = 0.3
"""Seconds between two looks that start a program each."""

PER_TASK = 25
UNKNOWN = {("permissions", "unknown"), ("vCPU quota", "unknown")}
"""What moto cannot be asked: SimulatePrincipalPolicy and Service Quotas' defaults."""
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


def judge(report, place):
    """All of it, one after the other."""
    steered_run(report, place)
    run_of_programs(report, place)
    runs_on_fargate(report, place)


def look_beforehand(report, place):
    """`doctor`, `plan` and `reap` look, and change nothing."""
    with report.check("doctor finds nothing amiss, but what moto cannot be asked"):
        eventually("a machine has joined the cluster", place.machines)
        answer, _ = place.loadtop_says("doctor", "--json")
        wrong = [it for it in answer["checks"] if it["verdict"] != "pass"]
        amiss = [it for it in wrong if (it["check"], it["verdict"]) not in UNKNOWN]
        ensure(not amiss, f"{amiss}")
        seen = {it["check"] for it in answer["checks"]}
        missing = {"identity", "clock", "cluster", "group", "bucket", "definition"} - seen
        ensure(not missing, f"not looked at: {missing}")
    with report.check("plan says how many machines two hundred devices take"):
        words = ("-n", 200, "--devices-per-task", PER_TASK, "--json")
        answer, _ = place.loadtop_says("plan", "--target", "tcp://127.0.0.1:1", *words)
        ensure(answer["can_be_done"] and answer["calls"] == 8, f"{answer}")
        ensure(answer["instances"] == {"needed": 2, "missing": 1}, f"{answer}")
    with report.check("reap finds nothing that nobody holds"):
        answer, _ = place.loadtop_says("reap", "--dry-run", "--json")
        ensure(answer["runs"] == answer["tasks"] == answer["left"] == [], f"{answer}")
    with report.check("looking has started nothing"):
        ensure(place.desired() == 1 and not place.tasks_left(), "something was started")


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
            run = eventually("two tasks run", lambda: tasks_run(place, 2), every=SELDOM)
        if run is None:
            return
        with report.check("add: fifty more devices, and two more tasks"):
            answer, _ = place.loadtop_says("add", "50", "--ramp-up", "1s", "--wait=60s", "--json")
            ensure(answer["result"] == "done" and answer["run"] == run, f"{answer}")
            ensure(answer["devices"]["live"] == 100, f"{answer}")
            eventually("four tasks run", lambda: tasks_run(place, 4), every=SELDOM)
        with report.check("the group has its dead man's switch, set for the lease"):
            check_switch(place)
        with report.check("a task whose agent is killed is replaced"):
            place.fleet.kill_one()
            eventually("a fifth was started", lambda: len(place.fleet.started[run]) == 5)
            eventually("four tasks run again", lambda: tasks_run(place, 4), every=SELDOM)
        with report.check("killall ends the run from outside, and its machines go"):
            words = ("--yes", "--scale-to-zero", "--wait", "1m", "--json")
            answer, _ = place.loadtop_says("killall", *words)
            ensure(answer["result"] == "done", f"{answer}")
            place.ensure_ended(run, [-signal.SIGKILL, 0, 0, 0, 0])
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
        place.ensure_ended(summary["run"], [-signal.SIGTERM] * devices)


def runs_on_fargate(report, place):
    """Twice on Fargate, by a task definition that loadtop registers, once."""
    ec2 = client("ec2", place.moto)
    subnet = ec2.describe_subnets()["Subnets"][0]
    groups = ec2.describe_security_groups()["SecurityGroups"]
    group = next(it for it in groups if it["VpcId"] == subnet["VpcId"])
    told = ON_FARGATE.format(subnet=subnet["SubnetId"], security_group=group["GroupId"])
    (place.home / "fargate.toml").write_text(HERE + told)
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
            place.ensure_ended(summary["run"], [0, 0])
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
    return None
