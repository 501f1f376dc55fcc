"""Processes of the judges: an environment of their own, loopback, and a sure end."""

import contextlib
import os
import pathlib
import queue
import socket
import subprocess
import sys
import tempfile
import threading

from checks import DEADLINE, Wrong, ensure, eventually

REGION = "us-east-1"
KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
"""What emulators are signed for with; they verify nothing."""

TERM_WAIT = 5.0
"""How long a process gets between SIGTERM and SIGKILL, in seconds."""


def move_into(home):
    """Replaces this process's environment: nothing of the user's is seen from here on."""
    nothing = home / "empty"
    nothing.touch()
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
    os.environ.clear()
    os.environ.update(kept)
    os.environ.update(
        HOME=str(home),
        LANG="C.UTF-8",
        NO_PROXY="*",
        PYTHONDONTWRITEBYTECODE="1",
        XDG_STATE_HOME=str(home / "state"),
        AWS_CONFIG_FILE=str(nothing),
        AWS_SHARED_CREDENTIALS_FILE=str(nothing),
        AWS_EC2_METADATA_DISABLED="true",
    )
    tempfile.tempdir = str(home)
    os.environ["TMPDIR"] = str(home)


def free_port():
    """A port of loopback that nobody listens on just now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def listens(port):
    """Whether somebody does."""
    with socket.socket() as knock:
        return knock.connect_ex(("127.0.0.1", port)) == 0


def finish(process):
    """Ends a process that we started, and waits for it."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(TERM_WAIT)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()


@contextlib.contextmanager
def running(words, log, more=None, **options):
    """A process that runs as long as the block; what it says on stderr goes to `log`."""
    with log.open("ab") as sink:
        process = subprocess.Popen(
            [str(word) for word in words],
            env=os.environ | (more or {}),
            stdin=subprocess.DEVNULL,
            stderr=sink,
            **options,
        )
    try:
        yield process
    finally:
        finish(process)


def answered(process, port):
    """Waits until a server can be reached, or has ended."""
    eventually("a server answers", lambda: listens(port) or process.poll() is not None)


@contextlib.contextmanager
def serving(words, log, environment_for):
    """A server on a port of its own; another port where that is taken meanwhile."""
    for _ in range(3):
        port = free_port()
        filled = [str(word).format(port=port) for word in words]
        with running(filled, log, environment_for(port), stdout=subprocess.DEVNULL) as process:
            answered(process, port)
            if process.poll() is None:
                yield f"http://127.0.0.1:{port}"
                return
    raise Wrong(f"{words[0]} ended at once: {tail(log)}")


def tail(log, lines=5):
    """The last lines of a log, in one."""
    return " / ".join(log.read_text(errors="replace").splitlines()[-lines:])


class Lines:
    """What a process prints, line by line, each with a deadline."""

    def __init__(self, process):
        self._lines = queue.Queue()
        threading.Thread(target=self._read, args=(process.stdout,), daemon=True).start()

    def _read(self, pipe):
        for line in pipe:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def next(self, within=DEADLINE):
        """The next line; Wrong if none comes."""
        try:
            line = self._lines.get(timeout=within)
        except queue.Empty:
            line = None
        ensure(line is not None, "a line was to come, and none did")
        return line

    def rest(self):
        """All lines to the end."""
        return list(iter(lambda: self._lines.get(timeout=DEADLINE), None))


def complete(words, within, more=None):
    """Runs a program to its end: exit code, stdout, stderr. A late one is ended."""
    process = subprocess.Popen(
        [str(word) for word in words],
        env=os.environ | (more or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        out, err = process.communicate(timeout=within)
    except subprocess.TimeoutExpired as late:
        raise Wrong(f"{' '.join(map(str, words[:4]))} does not end within {within} s") from late
    finally:
        finish(process)
    return process.returncode, out, err


@contextlib.contextmanager
def local_cloud(loadtop, home, *options):
    """`loadtop local`; the block gets what it exports."""
    log = home / "local.log"
    words = [loadtop, "local", *options]
    with running(words, log, stdout=subprocess.PIPE, text=True) as process:
        lines = Lines(process)
        exports = {}
        while "LOADTOP_BUCKET" not in exports:
            name, _, value = lines.next().removeprefix("export ").partition("=")
            exports[name] = value
        yield exports


@contextlib.contextmanager
def practice_target(loadtop, home):
    """`loadtop target`; the block gets the process and what reads its lines."""
    words = [loadtop, "target", "--json"]
    with running(words, home / "target.log", stdout=subprocess.PIPE, text=True) as process:
        yield process, Lines(process)


def tools(name):
    """A program of the virtual environment."""
    return pathlib.Path(sys.executable).parent / name
