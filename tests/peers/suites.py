"""Which judges there are, and what each stands on."""

import contextlib
import dataclasses
import pathlib

import aws_cli
import local_cloud
import processes
import spoiled


@dataclasses.dataclass(frozen=True)
class Ground:
    """What judges stand on."""

    loadtop: pathlib.Path
    home: pathlib.Path
    sources: pathlib.Path
    missing: set
    """Distributions that are not installed as pinned."""


def judge_itself(report, _ground):
    """The strict judge of answers disagrees where it must."""
    spoiled.judge(report)


def boto3_and_local(report, ground):
    """boto3 drives the local cloud."""
    with processes.local_cloud(ground.loadtop, ground.home, "--boot", "500ms") as exports:
        local_cloud.judge(report, ground.sources, exports)


def cli_and_local(report, ground):
    """The AWS CLI runs what the sources name as equivalent."""
    if "awscli" in ground.missing:
        report.skip("the AWS CLI", "it is not there")
        return
    with contextlib.ExitStack() as stack:
        local = processes.local_cloud(ground.loadtop, ground.home, "--boot", "500ms")
        exports = stack.enter_context(local)
        ours = {"AWS_DEFAULT_OUTPUT": "json"} | exports
        endpoints = {"local": ours, "cloudwatch": "ministack is not there"}
        if not {"ministack", "cbor2"} & ground.missing:
            # Only now: it needs what may not be installed.
            import emulators

            url = stack.enter_context(emulators.ministack(ground.home))
            endpoints["cloudwatch"] = ours | {"AWS_ENDPOINT_URL": url}
        folder = ground.home / "cli"
        folder.mkdir(exist_ok=True)
        world = aws_cli.World(exports, local_cloud.Clients(exports), folder)
        aws_cli.judge(report, ground.sources, world, endpoints)


def loadtop_and_emulators(report, ground):
    """loadtop runs against moto and ministack."""
    missing = {"moto", "ministack", "cbor2", "hdrhistogram"} & ground.missing
    if missing:
        report.skip("loadtop against moto and ministack", f"{sorted(missing)} are not there")
        return
    # Only now: they need what may not be installed.
    import other_runs
    import whole_run
    from place import furnished

    with furnished(ground) as place:
        other_runs.look_beforehand(report, place)
        whole_run.judge(report, place)
        other_runs.judge(report, place)


SUITES = {
    "judge": judge_itself,
    "boto3": boto3_and_local,
    "cli": cli_and_local,
    "emulators": loadtop_and_emulators,
}


def judge(report, ground, only):
    """These suites, or all."""
    for name, suite in SUITES.items():
        if only and name not in only:
            continue
        with report.check(f"suite {name} comes to its end"):
            suite(report, ground)
