"""Plays what moto only writes down: machines that join their cluster, tasks that run.

A machine of the Auto Scaling group becomes a container instance, and one that is gone is
none any more. A task of loadtop's that moto says is RUNNING is a real process: the
command of its definition (`loadtop agent`, say) with the environment of its overrides. It
is told to end when moto says STOPPED, and when it has ended by itself, moto is told.
"""

import json
import os
import subprocess
import threading
import traceback

import boto3
from botocore.config import Config

from checks import ensure
from processes import KEYS, REGION, finish

CLUSTER = "judged"
GROUP = "judged-machines"
BUCKET = "judged-runs"
AGENT = "judged-agent"
"""A task definition of loadtop's agent, and its container."""
PROGRAM = "judged-program"
"""A task definition that is not loadtop's, and its container."""
LOOK_EVERY = 0.1
"""Seconds between two looks at moto."""

CONFIG = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})


def client(service, url):
    """A client of an emulator."""
    return boto3.client(
        service,
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
        config=CONFIG,
    )


def furnish(url, machines, most, room):
    """Cluster, group, task definitions and bucket; `room` tasks fit on a machine."""
    ecs, scaling = client("ecs", url), client("autoscaling", url)
    ecs.create_cluster(clusterName=CLUSTER)
    scaling.create_launch_configuration(
        LaunchConfigurationName=GROUP, ImageId="ami-12c6146b", InstanceType="t3.large"
    )
    scaling.create_auto_scaling_group(
        AutoScalingGroupName=GROUP,
        LaunchConfigurationName=GROUP,
        MinSize=0,
        MaxSize=most,
        DesiredCapacity=machines,
        AvailabilityZones=["us-east-1a"],
    )
    for name, command in [
        (AGENT, ["loadtop", "agent"]),
        (PROGRAM, ["sleep", "600"]),
    ]:
        # moto's machines have 4,096 CPU units and 7,482 MiB.
        defined = {
            "name": name,
            "image": "none",
            "cpu": 4096 // room,
            "memory": 7482 // room,
            "essential": True,
            "command": command,
        }
        ecs.register_task_definition(family=name, containerDefinitions=[defined])
    client("s3", url).create_bucket(Bucket=BUCKET)


class Fleet:
    """The machines and tasks of one cluster; entered, it lives in a thread of its own."""

    def __init__(self, loadtop, url, environment, logs, exit_codes):
        self._ecs = client("ecs", url)
        self._scaling = client("autoscaling", url)
        self._loadtop = loadtop
        self._environment = environment
        self._logs = logs
        self._exit_codes = exit_codes
        self._machines = {}
        self._processes = {}
        self._seen = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._live)
        self.started = {}
        """Run → the environments that its tasks were told, in order."""
        self.ended = {}
        """Run → how its tasks' processes ended."""
        self.broken = None

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()
        for _, process in self._processes.values():
            finish(process)

    def processes_left(self):
        """How many processes there are that were not seen to end."""
        ensure(self.broken is None, f"the fleet broke: {self.broken}")
        return len(self._processes)

    def kill_one(self):
        """Kills one task's process; its number."""
        process = next(iter(self._processes.values()))[1]
        process.kill()
        return process.pid

    def _live(self):
        try:
            while not self._over.wait(LOOK_EVERY):
                self._link_machines()
                self._play_tasks()
        except Exception:  # noqa: BLE001 - said by ensure_quiet
            self.broken = traceback.format_exc()

    def _link_machines(self):
        answer = self._scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[GROUP])
        there = {
            machine["InstanceId"]
            for machine in answer["AutoScalingGroups"][0]["Instances"]
            if machine["LifecycleState"] == "InService"
        }
        for machine in there - set(self._machines):
            registered = self._ecs.register_container_instance(
                cluster=CLUSTER, instanceIdentityDocument=json.dumps({"instanceId": machine})
            )
            self._machines[machine] = registered["containerInstance"]["containerInstanceArn"]
        for machine in set(self._machines) - there:
            self._ecs.deregister_container_instance(
                cluster=CLUSTER, containerInstance=self._machines.pop(machine), force=True
            )

    def _play_tasks(self):
        listed = self._ecs.list_tasks(cluster=CLUSTER, desiredStatus="RUNNING")["taskArns"]
        for arn in set(listed) - self._seen:
            self._seen.add(arn)
            self._begin(arn)
        for arn, (run, process) in list(self._processes.items()):
            code = process.poll()
            if code is not None:
                del self._processes[arn]
                self.ended.setdefault(run, []).append(code)
                # As Docker has it: 128 and the signal.
                self._exit_codes[arn] = code if code >= 0 else 128 - code
                if arn in listed:
                    reason = "Essential container in task exited"
                    self._ecs.stop_task(cluster=CLUSTER, task=arn, reason=reason)
            elif arn not in listed:
                process.terminate()

    def _begin(self, arn):
        task = self._ecs.describe_tasks(cluster=CLUSTER, tasks=[arn])["tasks"][0]
        if not task["startedBy"].startswith("loadtop/"):
            return
        defined = self._ecs.describe_task_definition(taskDefinition=task["taskDefinitionArn"])
        container = defined["taskDefinition"]["containerDefinitions"][0]
        told = {
            variable["name"]: variable["value"]
            for override in task["overrides"]["containerOverrides"]
            if override["name"] == container["name"]
            for variable in override["environment"]
        }
        run = told["LOADTOP_RUN"]
        self.started.setdefault(run, []).append(told)
        command = container.get("entryPoint", []) + container.get("command", [])
        program = [self._loadtop if command[0] == "loadtop" else command[0], *command[1:]]
        with (self._logs / f"{run}-{told['LOADTOP_TASK']}.log").open("wb") as sink:
            process = subprocess.Popen(
                program,
                env=os.environ | self._environment | told,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
            )
        self._processes[arn] = run, process
