"""One run from beginning to end, and its books in every place that keeps some."""

import datetime
import json
import re

import hlog
from checks import ensure
from fleet import client
from place import counted_target

DEVICES = 200
PER_TASK = 25
"""So that the run needs two machines; it begins with one."""
HOLD_S = 12


def judge(report, place):
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
        place.ensure_ended(run, [0] * summary["tasks"]["started"])
    with report.check("CloudWatch has the run's metrics, and as many requests"):
        check_metrics(place, summary)
    with report.check("the bucket has the objects of the contract"):
        check_objects(place, run)
    with report.check("HdrHistogram's own reader finds the summary's percentiles"):
        parts = [key for key in place.objects(run) if key.startswith("results/")]
        hlog.judge([place.object(run, key).decode() for key in parts], summary)


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
