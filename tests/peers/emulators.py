"""moto and ministack: other people's AWS, on loopback.

Each is wrong somewhere, and what stands in the way is worked around here, by name:

- moto moves a task towards STOPPED whenever it is described: told not to, by its
  state manager.
- moto lists tasks of any desired status where ListTasks names none; AWS lists those
  that are to run. `Front` adds the status, and passes everything else on as it is.
"""

import contextlib
import http.client
import http.server
import json
import threading
import urllib.parse

from processes import serving, tools

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}
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


def corrected(target, body):
    """The request as moto needs it to mean what AWS understands."""
    if not target.endswith(".ListTasks"):
        return body
    asked = json.loads(body or "{}")
    asked.setdefault("desiredStatus", "RUNNING")
    return json.dumps(asked).encode()


class Front(http.server.BaseHTTPRequestHandler):
    """Stands before moto and corrects what it reads wrongly."""

    protocol_version = "HTTP/1.1"
    url = ""
    disable_nagle_algorithm = True

    def _pass_on(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = corrected(self.headers.get("X-Amz-Target", ""), self.rfile.read(length))
        kept = {k: v for k, v in self.headers.items() if k.lower() not in HOP_BY_HOP}
        status, headers, answer = ask(self.url, self.command, self.path, kept, body)
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        # The length of what HEAD leaves out is the object's own.
        length = dict(headers).get("Content-Length", "0") if self.command == "HEAD" else len(answer)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _pass_on

    def log_message(self, *_):
        """Says nothing: the judges say what they saw."""


@contextlib.contextmanager
def front(url):
    """A front before moto at `url`; the block gets its own URL."""
    handler = type("FrontOfMoto", (Front,), {"url": url})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
