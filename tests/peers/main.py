"""The judges, one after the other. Prints what held, counts, and says so in a last line."""

import argparse
import importlib.metadata
import pathlib
import signal
import sys
import tempfile

from checks import Report
from processes import move_into


def pinned(pins):
    """What requirements.txt names: name → version."""
    lines = [line.strip() for line in pins.read_text().splitlines()]
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


def absent(pins):
    """What is not installed as pinned, with why."""
    for name, version in pinned(pins).items():
        try:
            found = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            yield name, f"{name}=={version} could not be installed"
            continue
        if found != version:
            yield name, f"{name} is {found}, not {version}"


def judge(report, loadtop, home, only):
    """Everything there is."""
    here = pathlib.Path(__file__).resolve().parent
    sources = here.parent.parent / "src"
    missing = dict(absent(here / "requirements.txt"))
    for why in missing.values():
        report.skip("a part of the judges", why)
    if {"boto3", "botocore"} & set(missing):
        report.skip("all judges", "boto3 is not there")
        return
    # Only now: without boto3 they cannot even be read.
    import suites

    suites.judge(report, suites.Ground(loadtop, home, sources, set(missing)), only)


def main():
    """Judges; the exit code is 1 if anything failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loadtop", required=True, type=pathlib.Path)
    parser.add_argument("--keep", type=pathlib.Path, help="where logs and state are kept")
    parser.add_argument("suites", nargs="*", help="which judges; all without a word")
    given = parser.parse_args()
    # Ends by the `finally`s: no process of ours is left.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    report = Report()
    with tempfile.TemporaryDirectory(prefix="loadtop-peers-") as folder:
        home = given.keep.resolve() if given.keep else pathlib.Path(folder)
        home.mkdir(parents=True, exist_ok=True)
        move_into(home)
        if given.loadtop.exists():
            judge(report, given.loadtop.resolve(), home, given.suites)
        else:
            report.skip("all judges", f"{given.loadtop} is not there: cargo build makes it")
    print(report)
    sys.exit(1 if report.failed else 0)


if __name__ == "__main__":
    main()
