"""Counting what held, what did not, and what could not be looked at."""

import contextlib
import time
import traceback

DEADLINE = 60.0
"""How long anything may take before it counts as failed, in seconds. Machines differ."""


class Wrong(Exception):
    """A judge disagrees."""


class Report:
    """Prints each outcome as it comes, and counts."""

    def __init__(self):
        self.passed = 0
        self.failed = 0
        self.skipped = 0

    @contextlib.contextmanager
    def check(self, what):
        """One thing that holds or does not; whatever is raised inside says why not."""
        begun = time.monotonic()
        try:
            yield
        except Wrong as why:
            self._fail(what, str(why))
        except Exception as error:  # noqa: BLE001 - a judge that breaks has not agreed
            where = traceback.extract_tb(error.__traceback__)[-1]
            at = f"{where.filename.rsplit('/', 1)[-1]}:{where.lineno}"
            self._fail(what, f"{type(error).__name__}: {error} ({at})")
        else:
            self.passed += 1
            print(f"ok      {what} ({time.monotonic() - begun:.1f}s)", flush=True)

    def skip(self, what, why):
        """Something that cannot be run here."""
        self.skipped += 1
        print(f"SKIPPED: {what}, {why}", flush=True)

    def _fail(self, what, why):
        self.failed += 1
        print(f"FAILED  {what}: {why}", flush=True)

    def __str__(self):
        counts = f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"
        return f"peers: {counts}"


def ensure(condition, why):
    """Raises Wrong unless the condition holds."""
    if not condition:
        raise Wrong(why)


def eventually(what, condition, within=DEADLINE, every=0.05):
    """Asks again until the answer is true, and returns it; Wrong after the deadline."""
    deadline = time.monotonic() + within
    while True:
        answer = condition()
        if answer:
            return answer
        ensure(time.monotonic() < deadline, f"not within {within:.0f} s: {what}")
        time.sleep(every)
