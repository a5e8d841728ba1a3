"""What both suites share: real processes, real sockets, conditions with deadlines."""
import atexit
import hashlib
import http.client
import http.server
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
TOKEN = "token-for-tests-0123456789"


started = []


@atexit.register
def end_what_was_started():
    """Also after Ctrl-C, when unittest runs no clean-ups: nothing is left running."""
    for process in started:
        if process.poll() is None:
            for pid in [*children_of(process.pid), process.pid]:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass


def end_on_signal(_number, _frame):
    end_what_was_started()
    os._exit(143)


signal.signal(signal.SIGTERM, end_on_signal)


def until(what, condition, seconds=15):
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError("not within %g s: %s" % (seconds, what))
        threading.Event().wait(0.02)


class Case(unittest.TestCase):
    def folder(self):
        path = tempfile.mkdtemp(prefix="agent-test-")
        self.addCleanup(shutil.rmtree, path, ignore_errors=True)
        return path

    def script(self, text, name="script", mode=0o755):
        path = os.path.join(self.folder(), name)
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        os.chmod(path, mode)
        return path


class AgentProcess:
    """A started agent. `call` speaks to it; `records` is what its stdout said, parsed."""

    def __init__(self, case, trainer=None, directory=None, command=None, wait=True, **env):
        self.case, self.directory = case, directory or case.folder()
        self.stdout_path = os.path.join(case.folder(), "stdout")
        path = env.pop("PATH", os.environ["PATH"])
        full = {"PATH": path, "AGENT_TOKEN_SHA256": hashlib.sha256(TOKEN.encode()).hexdigest(), "AGENT_PORT": "0",
                "AGENT_HOST": "127.0.0.1", "AGENT_DIR": self.directory, "RUNPOD_POD_ID": "pod1", "RUNPOD_API_KEY": "rpa_own_key_12345",
                "AGENT_REST_URL": "http://127.0.0.1:9/v2", "AGENT_GRAPHQL_URL": "http://127.0.0.1:9/graphql"}
        if trainer:
            full["AGENT_TRAINER"] = case.script(trainer, "trainer.py")
        full.update(env)
        with open(self.stdout_path, "wb") as out:
            self.process = subprocess.Popen(command or [sys.executable, os.path.join(HERE, "agent.py")], env=full, stdout=out,
                                            stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        started.append(self.process)
        case.addCleanup(self.kill)
        if wait:
            text = until("the agent listens", lambda: next((r["x"] for r in self.records() if "port " in r.get("x", "")), None))
            self.port = int(text.rsplit(" ", 1)[1])

    def kill(self):
        """Ends the agent, its trainer's whole group included."""
        if self.process.poll() is None:
            for child in children_of(self.process.pid):
                try:
                    os.killpg(child, signal.SIGKILL)
                except (ProcessLookupError, PermissionError):
                    pass
            self.process.kill()
            self.process.wait(10)

    def records(self):
        with open(self.stdout_path, "rb") as source:
            return [json.loads(line) for line in source.read().split(b"\n")[:-1] if line.startswith(b"{")]

    def request(self, method, path, body=None, headers=None, token=TOKEN):
        """→ (status, headers, bytes)"""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            auth = {"Authorization": "Bearer " + token} if token is not None else {}
            data = json.dumps(body).encode() if isinstance(body, (dict, list)) else body
            connection.request(method, path, data, {**auth, **(headers or {})})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def call(self, method, path, body=None, **more):
        """→ (status, parsed JSON)"""
        status, _, data = self.request(method, path, body, **more)
        return status, json.loads(data)

    def status(self):
        return self.call("GET", "/v1/status")[1]

    def put_file(self, name, data, **headers):
        fixed = {"X-File-Size": str(len(data)), "X-File-Sha256": hashlib.sha256(data).hexdigest()}
        return self.call("PUT", "/v1/files/" + name, data, headers={**fixed, **headers})

    def run(self, spec=None, secrets=None, files=None, checkpoint=None):
        for name, data in (files or {}).items():
            self.case.assertEqual(self.put_file(name, data)[0], 201)
        job = {"spec": spec or {}, "secrets": secrets or {}, "files": sorted(files or {}), "checkpoint": checkpoint}
        self.case.assertEqual(self.call("PUT", "/v1/job", job)[0], 201)
        self.case.assertEqual(self.call("POST", "/v1/start")[0], 202)

    def ended(self, seconds=30):
        def final():
            status = self.status()
            return status if status["logClosed"] else None
        return until("the job ends", final, seconds)

    def lines(self, boot=None):
        found, after = [], 0
        while True:
            page = self.call("GET", "/v1/logs?wait=0&after=%d%s" % (after, "&boot=" + boot if boot else ""))[1]
            found += page["lines"]
            if not page["lines"]:
                return found
            after = page["next"]

    def stream(self, query="after=0", headers=None):
        """Reads one log stream to its close → list of (event, id, data)."""
        _, _, data = self.request("GET", "/v1/logs?" + query, headers=headers)
        frames = []
        for block in data.decode().split("\n\n"):
            fields = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line)
            if "data" in fields:
                frames.append((fields.get("event", "line"), fields.get("id"), json.loads(fields["data"])))
            elif block == ":":
                frames.append(("heartbeat", None, None))
        return frames


def children_of(pid):
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % name, encoding="utf-8") as source:
                fields = source.read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if fields[1] == str(pid) and fields[0] != "Z":
            found.append(int(name))
    return found


class Platform:
    """A small real HTTP server in the place of RunPod's two ways to end a pod."""

    def __init__(self, case, rest=204, graphql=None):
        self.seen, platform = [], self
        self.rest, self.graphql = rest, graphql if graphql is not None else {"data": {"podTerminate": None}}

        class Answer(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_args):
                pass

            def reply(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                platform.seen.append((self.command, self.path, self.headers.get("Authorization"), body))
                graphql = self.path == "/graphql"
                status = (200 if isinstance(platform.graphql, dict) else platform.graphql) if graphql else platform.rest
                data = json.dumps(platform.graphql).encode() if graphql and status == 200 else b""
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", platform.url + "/elsewhere")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_DELETE = do_POST = do_GET = reply

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.url = "http://127.0.0.1:%d" % server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        case.addCleanup(lambda: (server.shutdown(), thread.join(5), server.server_close()))

    @property
    def env(self):
        return {"AGENT_REST_URL": self.url + "/v2", "AGENT_GRAPHQL_URL": self.url + "/graphql", "AGENT_END_RETRY_SECONDS": "0.2"}


def jsonl(rows):
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def sample_rows(count=40):
    words = "the quick brown fox jumps over a lazy dog while pods train small models".split()
    return [{"text": " ".join(words[(i * 7 + j * (i % 5 + 1)) % len(words)] for j in range(10))} for i in range(count)]
