"""moto and ministack: other people's AWS, on loopback.

Each is wrong somewhere. What stands in the way is worked around here, by name; a
`Front` on loopback corrects what is said to an emulator, or what it says, and passes
everything else on as it is.

- moto moves a task towards STOPPED whenever it is described: told not to, by its
  state manager.
- moto's ListTasks without a desired status lists all tasks; AWS lists those that are
  to run.
- moto's containers exit with 0, whatever became of them; their real exit codes are put
  into what DescribeTasks answers.
- moto's RunTask breaks (500) on a task definition whose containers say no memory, since
  the task does: such a container reserves some, of which loadtop is not told.
- ministack does not understand the timestamps of CBOR (tag 1) in PutMetricData, and
  dates what comes by its arrival, so that intervals run into one another: the tags are
  taken off.
"""

import contextlib
import gzip
import http.client
import http.server
import json
import sys
import threading
import urllib.parse

import cbor2

from processes import serving, tools

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}
RESERVED = 4
"""MiB that a container reserves which says nothing of memory."""
FRONT_WAIT = 30.0
"""How long moto may take for one answer, in seconds."""


@contextlib.contextmanager
def ministack(home):
    """ministack; the block gets its URL."""
    environment = {
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "LOG_LEVEL": "WARNING",
    }
    words = [tools("ministack")]
    with serving(
        words, home / "ministack.log", lambda port: environment | {"GATEWAY_PORT": str(port)}
    ) as url:
        yield url


@contextlib.contextmanager
def moto(home):
    """moto, whose tasks stay as they are; the block gets its URL."""
    words = [tools("moto_server"), "--host", "127.0.0.1", "--port", "{port}"]
    with serving(words, home / "moto.log", lambda _: {}) as url:
        never = {"progression": "manual", "times": 10**9}
        body = json.dumps({"model_name": "ecs::task", "transition": never})
        status, _, _ = ask(url, "POST", "/moto-api/state-manager/set-transition", {}, body)
        if status != 201:
            raise RuntimeError(f"moto's state manager answers {status}")
        yield url


def ask(url, method, path, headers, body):
    """One request: status, headers, body."""
    where = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=FRONT_WAIT)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.getheaders(), answer.read()
    finally:
        connection.close()


class Front(http.server.BaseHTTPRequestHandler):
    """Stands before an emulator, and passes on; its children correct."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    url = ""
    """The emulator's."""

    def asked(self, body):
        """What the emulator is to read."""
        return body

    def answered(self, body):
        """What is to be read of its answer."""
        return body

    def operation(self):
        """What a request of AWS JSON or Smithy RPC asks for."""
        target = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
        return target or self.path.rpartition("/operation/")[2]

    def _pass_on(self):
        body = self.asked(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        kept = {k: v for k, v in self.headers.items() if k.lower() not in HOP_BY_HOP}
        status, headers, answer = ask(self.url, self.command, self.path, kept, body)
        if status == 200:
            answer = self.answered(answer)
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        # HEAD leaves the object out, and says its length.
        is_head = self.command == "HEAD"
        length = dict(headers).get("Content-Length", "0") if is_head else len(answer)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        if not is_head:
            self.wfile.write(answer)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _pass_on

    def log_message(self, *_):
        """Says nothing: the judges say what they saw."""


class FrontOfMoto(Front):
    """Corrects ListTasks, DescribeTasks and what task definitions say of memory."""

    exit_codes = {}
    """By task; whoever ends tasks writes them down here."""

    def asked(self, body):
        """ListTasks names the status that AWS would take; every container says memory."""
        if self.operation() == "ListTasks":
            return json.dumps({"desiredStatus": "RUNNING"} | json.loads(body)).encode()
        if self.operation() == "RegisterTaskDefinition":
            request = json.loads(body)
            for container in request["containerDefinitions"]:
                if "memory" not in container:
                    container["memoryReservation"] = RESERVED
            return json.dumps(request).encode()
        return body

    def answered(self, body):
        """DescribeTasks has the exit codes that there were; no container says more memory."""
        if self.operation() == "DescribeTasks":
            answer = json.loads(body)
            for task in answer["tasks"]:
                self._say_exit_code(task)
            return json.dumps(answer).encode()
        if self.operation().endswith("TaskDefinition"):
            answer = json.loads(body)
            for container in answer["taskDefinition"]["containerDefinitions"]:
                container.pop("memoryReservation", None)
            return json.dumps(answer).encode()
        return body

    def _say_exit_code(self, task):
        code = self.exit_codes.get(task["taskArn"])
        for container in task["containers"]:
            container.pop("exitCode", None)
            if code is not None:
                container["exitCode"] = code


class FrontOfMinistack(Front):
    """Corrects PutMetricData."""

    def asked(self, body):
        """Timestamps are plain seconds, and nothing is packed."""
        if self.operation() != "PutMetricData":
            return body
        if self.headers.get("Content-Encoding") == "gzip":
            del self.headers["Content-Encoding"]
            body = gzip.decompress(body)
        request = cbor2.loads(body)
        for datum in request["MetricData"]:
            datum["Timestamp"] = datum["Timestamp"].timestamp()
        return cbor2.dumps(request)


class Server(http.server.ThreadingHTTPServer):
    """Serves a front; that a client has gone meanwhile is its own affair."""

    daemon_threads = True

    def handle_error(self, request, client_address):
        """Says what went wrong here."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


@contextlib.contextmanager
def fronting(handler):
    """A server of its own for a front; the block gets its URL."""
    server = Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def front_of_moto(url, exit_codes):
    """A front of moto that says how tasks ended."""
    return fronting(type("Front", (FrontOfMoto,), {"url": url, "exit_codes": exit_codes}))


def front_of_ministack(url):
    """A front of ministack."""
    return fronting(type("Front", (FrontOfMinistack,), {"url": url}))
