"""The pod agent: one HTTP server beside one trainer process. Mirrors PROTOCOL.md; § numbers point there.

Phases (§4):
- WAITING    booted; takes the job and its files; trains nothing by itself
- PREPARING  preflight, pinned requirements
- RUNNING    the trainer is a child in its own process group
- SUCCEEDED  exit code 0 and results are there; final
- FAILED     anything else, with `failure`; final
Beside the phase, `ending` (§8) says that the pod is to end and how that goes.
"""
import array
import base64
import hashlib
import hmac
import http.server
import json
import os
import re
import secrets as random_secrets
import shutil
import signal
import socket
import socketserver
import stat
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import deque
from json.encoder import encode_basestring as quote

PROTOCOL = 1
AGENT_NAME = "runpod-subgraph-agent/1"
KIB, MIB = 1024, 1024 * 1024
LINE_BYTES = 64 * KIB          # a longer line becomes several numbered ones, marked `more`
RECORD_BYTES = 8000            # one record on stdout stays below 8 KiB
INDEX_STRIDE = 64              # one remembered offset per so many lines
MAX_CONNECTIONS = 64
HOLD_RENEWAL_SECONDS = 10       # the mark of §6.3 is written no more often
BODY_LIMITS = {"job": MIB, "small": 4 * KIB}
SECRET_NAMES = ("HF_TOKEN", "WANDB_API_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}\Z")
CHECKPOINT_PATH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}(/[A-Za-z0-9][A-Za-z0-9._-]{0,199}){0,4}\Z")
FINAL = ("SUCCEEDED", "FAILED")
# §7: what the trainer's exit codes mean. Any other one is TRAINER_CRASHED.
EXIT_CODES = {10: "DATASET_INVALID", 11: "MODEL_NOT_FOUND", 12: "MODEL_GATED", 13: "OUT_OF_MEMORY", 14: "DISK_FULL",
              15: "CUDA_MISMATCH", 16: "SPEC_INVALID", 17: "BACKEND_UNKNOWN", 18: "MODEL_UNSUPPORTED", 19: "DOWNLOAD_FAILED", 20: "STOPPED",
              21: "TRAINING_STALLED", 22: "TRAINING_DIVERGED"}


class Refusal(Exception):
    """An answer other than 2xx; `extra` joins the error object."""

    def __init__(self, status, code, message, **extra):
        super().__init__(message)
        self.status, self.code, self.message, self.extra = status, code, message, extra


def now_ms():
    return int(time.time() * 1000)


def dump(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def line_row(number, at, stream, text, more):
    """As `dump` would write the record of a line; by hand, as a flood of lines spends most of its time here."""
    row = '{"n":%d,"t":%d,"s":"%s","x":%s%s}\n' % (number, at, stream, quote(text), ',"more":true' if more else "")
    return row.encode("utf-8", "replace")


def write_atomic(path, text, is_synced=True):
    """`is_synced`: a crash of the machine loses nothing of it."""
    part = path + ".part"
    with open(part, "w", encoding="utf-8") as out:
        out.write(text)
        if is_synced:
            out.flush()
            os.fsync(out.fileno())
    os.replace(part, path)


def read_json(path):
    try:
        with open(path, encoding="utf-8") as source:
            return json.load(source)
    except (OSError, ValueError):
        return None


class Settings:
    """The environment, read once. A bad number falls back to its default and is reported as a line."""

    def __init__(self, env):
        self.faults = []
        self._env = env
        self.token_sha256 = env.get("AGENT_TOKEN_SHA256", "").strip().lower()
        if not re.fullmatch(r"[0-9a-f]{64}", self.token_sha256):
            self.token_sha256 = None
        self.host = env.get("AGENT_HOST", "0.0.0.0")
        self.port = int(self.number("AGENT_PORT", 8000, 0, 65535))
        # A network volume outlives pods and may be shared by several: each has a folder of its own.
        pod_folder = "pod-" + (re.sub(r"[^A-Za-z0-9_-]", "_", env.get("RUNPOD_POD_ID", ""))[:64] or "unknown")
        self.directory = os.path.join(os.path.abspath(env.get("AGENT_DIR") or "/workspace/agent"), pod_folder)
        self.max_runtime = self.number("AGENT_MAX_RUNTIME_SECONDS", 86400, 1, 90 * 86400)
        self.upload_grace = self.number("AGENT_UPLOAD_GRACE_SECONDS", 900, 0.1, 86400)
        self.result_grace = self.number("AGENT_RESULT_GRACE_SECONDS", 21600, 0.1, 30 * 86400)
        self.stop_grace = self.number("AGENT_STOP_GRACE_SECONDS", 30, 0, 600)
        self.auth_seconds = self.number("AGENT_AUTH_SECONDS", 15, 0.1, 60)
        self.stream_seconds = self.number("AGENT_STREAM_SECONDS", 85, 0.1, 89)
        self.heartbeat = self.number("AGENT_HEARTBEAT_SECONDS", 10, 0.05, 60)
        self.end_retry = self.number("AGENT_END_RETRY_SECONDS", 30, 0.05, 600)
        self.max_upload = int(self.number("AGENT_MAX_UPLOAD_BYTES", 20 * 1024 * MIB, 1, 1 << 50))
        self.pod_id = env.get("RUNPOD_POD_ID", "")
        self.api_key = env.get("RUNPOD_API_KEY", "")
        self.rest_url = (env.get("AGENT_REST_URL") or "https://api.runpod.io/v2").rstrip("/")
        self.graphql_url = env.get("AGENT_GRAPHQL_URL") or "https://api.runpod.io/graphql"
        self.program = os.path.dirname(os.path.abspath(__file__))
        self.trainer = env.get("AGENT_TRAINER") or os.path.join(self.program, "trainer.py")

    def number(self, name, default, low, high):
        text = self._env.get(name, "")
        if not text:
            return default
        try:
            value = float(text)
        except ValueError:
            value = None
        if value is None or not low <= value <= high:
            self.faults.append("%s=%r is not a number from %s to %s: using %s" % (name, text[:40], low, high, default))
            return default
        return value


# ── lines (§5) ──────────────────────────────────────────────────────────────────────────────────
class Redactor:
    """Replaces every known secret, also in its JSON and percent-encoded spelling, in bytes."""

    def __init__(self, values):
        forms = set()
        for value in values:
            if len(value) >= 8:
                forms |= {value, json.dumps(value)[1:-1], urllib.parse.quote(value, safe=""),
                          base64.b64encode(value.encode()).decode()}
        ordered = sorted((form.encode() for form in forms), key=len, reverse=True)
        self.longest = len(ordered[0]) if ordered else 0
        self._pattern = re.compile(b"|".join(map(re.escape, ordered))) if ordered else None

    def bytes(self, data):
        return self._pattern.sub(b"[redacted]", data) if self._pattern else data

    def text(self, text):
        return self.bytes(text.encode("utf-8", "replace")).decode("utf-8", "replace")


class Splitter:
    """Cuts a byte stream into redacted lines; holds at most one line's worth of bytes."""

    def __init__(self, redactor):
        self._redact, self._slack, self._rest = redactor.bytes, redactor.longest, b""

    def feed(self, chunk):
        *whole, rest = (self._rest + chunk).split(b"\n")
        found = []
        for line in whole:
            found += self._pieces(line)
        # A progress bar rewrites its line: only its last state is kept, also while it is unfinished.
        if b"\r" in rest:
            rest = rest[rest.rstrip(b"\r").rfind(b"\r") + 1:]
        # Cut only what no secret can still grow into: a secret that begins before the cut is whole by now.
        while len(rest) > LINE_BYTES + self._slack:
            rest = self._redact(rest)
            if len(rest) <= LINE_BYTES + self._slack:
                break
            piece, rest = self._cut(rest)
            found.append((piece, True))
        self._rest = rest
        return found

    def flush(self):
        rest, self._rest = self._rest, b""
        return self._pieces(rest) if rest else []

    def _pieces(self, line):
        line = line.rstrip(b"\r")
        if b"\r" in line:
            line = line[line.rfind(b"\r") + 1:]
        line, pieces = self._redact(line), []
        while len(line) > LINE_BYTES:
            piece, line = self._cut(line)
            pieces.append((piece, True))
        return pieces + [(line.decode("utf-8", "replace"), False)]

    @staticmethod
    def _cut(data):
        end = LINE_BYTES
        while end > LINE_BYTES - 4 and data[end] & 0xC0 == 0x80:
            end -= 1
        return data[:end].decode("utf-8", "replace"), data[end:]


class LineLog:
    """Numbered lines of one boot in a file of JSON records; memory holds one offset per 64 lines.

    OPEN lines are appended, readers wait for more · CLOSED the last number is final.
    """

    def __init__(self, path, existing=False):
        self.cond = threading.Condition()
        self.last, self.size, self.dropped, self.closed = 0, 0, 0, existing
        self._index = array.array("Q", [0])
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        if existing:
            self._recover()

    def _recover(self):
        """Counts the whole lines; a torn last one is cut off."""
        offset = 0
        while True:
            block = os.pread(self._fd, MIB, offset)
            if not block:
                break
            at = block.find(b"\n")
            while at >= 0:
                self.last += 1
                self.size = offset + at + 1
                if self.last % INDEX_STRIDE == 0:
                    self._index.append(self.size)
                at = block.find(b"\n", at + 1)
            offset += len(block)
        os.ftruncate(self._fd, self.size)

    def append(self, stream, items):
        """Adds (text, more) items; a disk that refuses them costs the lines, never a number."""
        at = now_ms()
        with self.cond:
            if self.closed:
                return False
            number, offset, index, rows = self.last, self.size, [], []
            for text, more in items:
                number += 1
                row = line_row(number, at, stream, text, more)
                offset += len(row)
                rows.append(row)
                if number % INDEX_STRIDE == 0:
                    index.append(offset)
            try:
                data = memoryview(b"".join(rows))
                while data:
                    data = data[os.write(self._fd, data):]
            except OSError:
                os.ftruncate(self._fd, self.size)
                self.dropped += len(rows)
                return False
            self.last, self.size = number, offset
            self._index.extend(index)
            self.cond.notify_all()
            return True

    def close(self):
        with self.cond:
            self.closed = True
            self.cond.notify_all()

    def wait(self, after, seconds):
        with self.cond:
            self.cond.wait_for(lambda: self.last > after or self.closed, seconds)

    def read(self, after, limit, max_bytes=512 * KIB):
        """Raw JSON records from number after+1 on: at least one when there is one."""
        with self.cond:
            last, size = self.last, self.size
            slot = min(after // INDEX_STRIDE, len(self._index) - 1)
            offset = self._index[slot]
        skip, rows, total, tail = after - slot * INDEX_STRIDE, [], 0, b""
        while offset < size and len(rows) < limit and total < max_bytes and after + len(rows) < last:
            block = os.pread(self._fd, min(128 * KIB, size - offset), offset)
            if not block:
                break
            offset += len(block)
            *whole, tail = (tail + block).split(b"\n")
            for row in whole:
                if skip > 0:
                    skip -= 1
                elif len(rows) < limit and total < max_bytes:
                    rows.append(row)
                    total += len(row)
        return rows


def platform_records(boot, row):
    """The same line for the agent's own stdout: one record, or parts [i, k] each below 8 KiB."""
    head = b'{"boot":"' + boot.encode() + b'",'
    if len(row) + len(head) < RECORD_BYTES:
        return [head + row[1:] + b"\n"]
    record = json.loads(row)
    text, room, pieces = record.pop("x"), RECORD_BYTES - 250, []
    while text:
        size = room
        while len(dump(text[:size]).encode()) > room:
            size = size * 3 // 4
        pieces.append(text[:size])
        text = text[size:]
    base = {"boot": boot, **record}
    return [(dump({**base, "p": [i + 1, len(pieces)], "x": piece}) + "\n").encode() for i, piece in enumerate(pieces)]


# ── the agent ───────────────────────────────────────────────────────────────────────────────────
class Agent:
    def __init__(self, settings):
        self.set = settings
        self.lock = threading.RLock()
        self.boot_id = random_secrets.token_hex(8)
        self.booted, self.booted_at = time.monotonic(), now_ms()
        self.phase, self.step, self.total_steps, self.last_metric = "WAITING", 0, None, None
        self.start_step = None
        self.exit_code = self.failure = self.started_at = self.ended_at = self.ended = None
        self.job = self.job_digest = None
        self.secrets = {}
        self.files, self.busy_files = {}, set()
        self.trainer_over = False
        self.child = self.kill_at = self.stop_reason = self.runner = None
        self.ending = None
        self.gpu_samples = deque(maxlen=30)
        self.last_upload = self.last_fetch = self.booted
        self.fetching = self.uploading = 0
        self.digests, self.last_word, self.last_error = {}, None, ""
        self.held = (None, 0.0)     # a checkpoint's folder, and when it was last marked
        self.hold_lock = threading.Lock()   # its own: where the disk is busy, status and stop must not wait for the mark
        self.closing = threading.Event()
        self.redactor = Redactor([settings.api_key])
        self.printer_at = 0
        self.stdout_lock = threading.Lock()
        self._open_disk()

    # ── disk ──
    def _open_disk(self):
        top = self.set.directory
        os.makedirs(os.path.join(top, "boots"), mode=0o700, exist_ok=True)
        known = read_json(os.path.join(top, "agent.json")) or {}
        # Runtime counts from the first boot on this disk, so a restarting container cannot prolong it.
        self.first_boot_at = int(known.get("firstBootAt") or self.booted_at)
        self.ran_before = max(0, self.booted_at - self.first_boot_at) / 1000
        self.previous = self._previous(known.get("bootId"))
        self.dir = self.boot_dir(self.boot_id)
        for name in ("files", "results/checkpoints", "work"):
            os.makedirs(os.path.join(self.dir, name), mode=0o700)
        self.log = LineLog(os.path.join(self.dir, "lines.jsonl"))
        keep = {self.boot_id, self.previous["bootId"] if self.previous else None}
        for name in os.listdir(os.path.join(top, "boots")):
            if name not in keep:
                shutil.rmtree(self.boot_dir(name), ignore_errors=True)
        write_atomic(os.path.join(top, "agent.json"), dump({"bootId": self.boot_id, "firstBootAt": self.first_boot_at}))

    def _previous(self, boot_id):
        if not isinstance(boot_id, str) or not re.fullmatch(r"[0-9a-f]{16}", boot_id):
            return None
        if not os.path.isdir(self.boot_dir(boot_id)):
            return None
        state = read_json(os.path.join(self.boot_dir(boot_id), "state.json")) or {}
        log = LineLog(os.path.join(self.boot_dir(boot_id), "lines.jsonl"), existing=True)
        return {"bootId": boot_id, "state": state, "log": log}

    def boot_dir(self, boot_id):
        return os.path.join(self.set.directory, "boots", boot_id)

    def save_state(self):
        with self.lock:
            state = {"phase": self.phase, "exitCode": self.exit_code, "failure": self.failure, "step": self.step,
                     "totalSteps": self.total_steps, "startedAt": self.started_at, "endedAt": self.ended_at,
                     "ending": self.ending and self.ending["reason"]}
            try:
                write_atomic(os.path.join(self.dir, "state.json"), dump(state))
            except OSError as error:
                self.say("the state could not be saved: %s" % error)

    # ── lines ──
    def say(self, text):
        """A line of the agent's own; once the log is closed, an unnumbered note on stdout."""
        text = self.redactor.text(text)[:LINE_BYTES // 4]
        if not self.log.append("agent", [(text, False)]):
            self.put_stdout((dump({"boot": self.boot_id, "t": now_ms(), "note": text[:1500]}) + "\n").encode())

    def put_stdout(self, data):
        with self.stdout_lock:
            view = memoryview(data)
            try:
                while view:
                    view = view[os.write(1, view):]
            except OSError:
                pass  # nobody reads the platform's stream: the file has every line

    def print_lines(self):
        """Follows the file, so a slow platform stream costs no memory and never blocks the trainer."""
        while not (self.closing.is_set() and self.printer_at >= self.log.last):
            self.log.wait(self.printer_at, 0.5)
            if self.log.closed and self.printer_at >= self.log.last:
                return
            rows = self.log.read(self.printer_at, 2000)
            if rows:
                self.put_stdout(b"".join(part for row in rows for part in platform_records(self.boot_id, row)))
                self.printer_at += len(rows)

    def pump(self, pipe, stream):
        splitter = Splitter(self.redactor)
        with pipe:
            while True:
                chunk = os.read(pipe.fileno(), 64 * KIB)
                items = splitter.feed(chunk) if chunk else splitter.flush()
                if items:
                    self.notice(stream, items)
                    self.log.append(stream, items)
                if not chunk:
                    return

    def notice(self, stream, items):
        """Reads what the trainer means for the agent: `@metric` and `@failure` (§7)."""
        for text, more in items:
            if stream == "stderr" and text.strip():
                self.last_error = text.strip()[:500]
            elif text.startswith(("@metric {", "@failure {")) and not more:
                try:
                    value = json.loads(text[text.index("{"):])
                except (ValueError, RecursionError):
                    continue
                with self.lock:
                    if text.startswith("@failure"):
                        self.last_word = value
                        continue
                    self.last_metric = value
                    if value.get("event") == "start" and type(value.get("step")) is int and self.start_step is None:
                        self.start_step = value["step"]
                    for name, key in (("step", "step"), ("total_steps", "totalSteps")):
                        if type(value.get(key)) is int and value[key] >= 0:
                            setattr(self, name, value[key])

    # ── commands (§4) ──
    def accept_job(self, raw):
        try:
            body = json.loads(raw.decode("utf-8"))
        except ValueError:
            raise Refusal(400, "BAD_JSON", "The body is not JSON.")
        if not isinstance(body, dict) or not isinstance(body.get("spec"), dict):
            raise Refusal(400, "BAD_JOB", "The body must be an object with an object `spec`.")
        unknown = sorted(set(body) - {"spec", "secrets", "files", "requirements", "checkpoint"})
        if unknown:
            raise Refusal(400, "BAD_JOB", "Unknown members: %s." % ", ".join(unknown)[:200])
        values, files, requirements = body.get("secrets") or {}, body.get("files") or [], body.get("requirements")
        if not isinstance(values, dict) or not all(
                name in SECRET_NAMES and isinstance(value, str) and re.fullmatch(r"[!-~]{8,4096}", value)
                for name, value in values.items()):
            raise Refusal(400, "BAD_SECRET", "Secrets are 8 to 4096 printable characters under: " + ", ".join(SECRET_NAMES) + ".")
        if not isinstance(files, list) or not all(isinstance(name, str) and FILE_NAME.match(name) for name in files):
            raise Refusal(400, "BAD_JOB", "`files` must be a list of file names.")
        if body.get("checkpoint") is not None and not is_checkpoint(body["checkpoint"], files):
            raise Refusal(400, "BAD_JOB", "`checkpoint` must have a whole `step` and in `files` its paths, COMPLETE too, each with one of the job's files.")
        if requirements is not None and requirements not in self.requirement_names():
            raise Refusal(400, "BAD_JOB", "`requirements` must be one of: %s." % (", ".join(self.requirement_names()) or "(none)"))
        digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).digest()
        with self.lock:
            if self.job is not None:
                if not hmac.compare_digest(digest, self.job_digest):
                    raise Refusal(409, "JOB_DIFFERS", "This boot has another job already.")
                return 200
            if self.ending:
                raise Refusal(409, "ENDING", "This pod is ending.")
            self.job_digest, self.secrets = digest, values
            self.job = {key: value for key, value in body.items() if key != "secrets"}
            self.redactor = Redactor([self.set.api_key, *values.values()])
            self.last_upload = time.monotonic()
        return 201

    def requirement_names(self):
        pattern = re.compile(r"requirements-([a-z0-9]+)\.txt\Z")
        return sorted(m.group(1) for m in map(pattern.match, os.listdir(self.set.program)) if m)

    def start(self):
        with self.lock:
            if self.phase != "WAITING":
                return 200
            if self.ending:
                raise Refusal(409, "ENDING", "This pod is ending.")
            if self.job is None:
                raise Refusal(409, "NO_JOB", "PUT /v1/job comes first.")
            missing = [n for n in self.job.get("files") or [] if not self.files.get(n, {}).get("complete")]
            if missing:
                raise Refusal(409, "FILES_MISSING", "Not uploaded yet: %s." % ", ".join(missing)[:500])
            self.phase, self.started_at = "PREPARING", now_ms()
            self.runner = threading.Thread(target=self.run_job, daemon=True)
            self.runner.start()
        self.save_state()
        return 202

    def stop(self, reason, grace):
        """SIGTERM now, SIGKILL after the grace. Said again, it can only shorten the wait."""
        with self.lock:
            if self.phase in FINAL:
                return 200
            if self.phase == "WAITING":
                raise Refusal(409, "NOT_STARTED", "Nothing runs.")
            at = time.monotonic() + grace
            self.kill_at = at if self.kill_at is None else min(at, self.kill_at)
            first = self.stop_reason is None
            self.stop_reason = self.stop_reason or reason
            if first:
                self.signal_child(signal.SIGTERM)
        if first:
            self.say("stopping (%s): SIGTERM, SIGKILL after %g s" % (reason, grace))
        return 202

    def signal_child(self, number):
        with self.lock:
            if self.child is not None:
                try:
                    os.killpg(self.child.pid, number)
                except (ProcessLookupError, PermissionError):
                    pass

    # ── the run ──
    def run_job(self):
        try:
            code, failure = self.train()
        except Exception as error:  # a bug of the agent's own must still end the job
            code, failure = None, {"code": "INTERNAL", "message": self.redactor.text("The agent failed: %r" % error)[:500]}
        with self.lock:
            if self.stop_reason == "RUNTIME_LIMIT" and failure:
                failure = {"code": "RUNTIME_LIMIT", "message": "The pod's maximum runtime of %g s is over." % self.set.max_runtime}
        if self.log.dropped:
            self.say("%d lines could not be stored" % self.log.dropped)
        self.say("trainer ended: %s" % ("succeeded" if failure is None else "%(code)s: %(message)s" % failure))
        with self.lock:
            self.exit_code, self.failure, self.ended_at, self.ended = code, failure, now_ms(), time.monotonic()
            self.last_fetch = self.ended
            self.phase = "SUCCEEDED" if failure is None else "FAILED"
        self.save_state()
        self.log.close()

    def train(self):
        """→ (exit code or None, failure or None)."""
        self.preflight()
        name = self.job.get("requirements")
        if name is not None:
            path = os.path.join(self.set.program, "requirements-%s.txt" % name)
            self.say("installing the pinned requirements %r" % name)
            code = self.run_child([sys.executable, "-m", "pip", "install", "--break-system-packages",
                                   "--no-input", "--disable-pip-version-check", "-r", path], {})
            if self.stop_reason:
                return code, {"code": "STOPPED", "message": "Stopped while preparing."}
            if code != 0:
                return code, {"code": "REQUIREMENTS_FAILED", "message": "pip ended with %s. %s" % (code, self.last_error)}
        spec_path = os.path.join(self.dir, "work", "spec.json")
        results = os.path.join(self.dir, "results")
        self.place_checkpoint(os.path.join(results, "checkpoints"))
        write_atomic(spec_path, dump({"spec": self.job["spec"], "paths": {
            "files": os.path.join(self.dir, "files"), "results": results,
            "checkpoints": os.path.join(results, "checkpoints")}}))
        with self.lock:
            self.phase = "RUNNING"
        self.save_state()
        killed_before = oom_kills()
        code = self.run_child([sys.executable, "-u", self.set.trainer, spec_path], self.secrets)
        failure = self.judge(code, oom_kills() > killed_before)
        self.trainer_over = True  # from here on everything is shown; it is hashed before the end is told
        if failure is None and not self.manifest(3600)["files"]:
            failure = {"code": "TRAINER_CRASHED", "message": "The trainer ended well but left no result."}
        return code, failure

    def place_checkpoint(self, top):
        """Puts an earlier attempt's checkpoint where the trainer looks (§3.4): whole, or not at all."""
        wanted = self.job.get("checkpoint")
        if wanted is None:
            return
        final = os.path.join(top, "checkpoint-%d" % wanted["step"])
        part = final + ".part"
        try:
            for path, name in sorted(wanted["files"].items()):
                target = os.path.join(part, *path.split("/"))
                os.makedirs(os.path.dirname(target), mode=0o700, exist_ok=True)
                os.replace(os.path.join(self.dir, "files", name), target)
            os.replace(part, final)
            self.say("checkpoint-%d of an earlier attempt is in place" % wanted["step"])
        except OSError as error:
            shutil.rmtree(part, ignore_errors=True)
            self.say("checkpoint-%d of an earlier attempt could not be put in place: %s" % (wanted["step"], error))

    def judge(self, code, oom_killed):
        if code == 0:
            return None
        if code is None:
            return {"code": "STOPPED", "message": "Stopped before the trainer started."}
        word = self.last_word if isinstance(self.last_word, dict) else {}
        meaning = EXIT_CODES.get(code, "TRAINER_CRASHED")
        if code == -signal.SIGKILL and oom_killed:
            return {"code": "OUT_OF_MEMORY", "message": "The kernel killed the trainer: the pod's memory was full."}
        if code < 0 and self.stop_reason:
            return {"code": "STOPPED", "message": "Stopped; the trainer did not end within its grace."}
        if word.get("code") == meaning and isinstance(word.get("message"), str):
            return {"code": meaning, "message": word["message"][:2000]}
        how = "was killed by signal %d" % -code if code < 0 else "ended with exit code %d" % code
        return {"code": meaning, "message": ("The trainer %s. %s" % (how, self.last_error)).strip()}

    def child_env(self, extra):
        hidden = ("RUNPOD_API_KEY", "PUBLIC_KEY")
        env = {k: v for k, v in os.environ.items() if k not in hidden and not k.startswith("AGENT_")}
        return {**env, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8", **extra}

    def run_child(self, argv, extra):
        with self.lock:
            if self.stop_reason:
                return None
            child = subprocess.Popen(argv, cwd=os.path.join(self.dir, "work"), env=self.child_env(extra),
                                     stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                     start_new_session=True)
            self.child = child
        pumps = [threading.Thread(target=self.pump, args=pair, daemon=True)
                 for pair in ((child.stdout, "stdout"), (child.stderr, "stderr"))]
        for thread in pumps:
            thread.start()
        while True:
            try:
                code = child.wait(0.2)
                break
            except subprocess.TimeoutExpired:
                if self.kill_at is not None and time.monotonic() >= self.kill_at:
                    self.signal_child(signal.SIGKILL)
        self.signal_child(signal.SIGKILL)  # what the trainer left behind in its group
        with self.lock:
            self.child = None
        for thread in pumps:
            thread.join(5)
        return code

    def preflight(self):
        usage = shutil.disk_usage(self.dir)
        self.say("python %s; disk %.1f GB free of %.1f GB" % (sys.version.split()[0], usage.free / 1e9, usage.total / 1e9))
        tool = shutil.which("nvidia-smi")
        if tool is None:
            self.say("nvidia-smi is absent: no GPU figures")
            return
        try:
            done = subprocess.run([tool, "-L"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, timeout=20)
            for line in done.stdout.decode("utf-8", "replace").splitlines()[:16]:
                self.say("nvidia-smi: " + line)
        except (OSError, subprocess.SubprocessError) as error:
            self.say("nvidia-smi failed: %s" % error)

    def sample_gpus(self):
        tool = shutil.which("nvidia-smi")
        fields = ("index", "name", "utilization.gpu", "memory.used", "memory.total", "temperature.gpu")
        while tool and not self.closing.wait(2 if self.gpu_samples else 0.01):
            try:
                done = subprocess.run([tool, "--query-gpu=" + ",".join(fields), "--format=csv,noheader,nounits"],
                                      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=10)
                rows = [line.split(",") for line in done.stdout.decode("utf-8", "replace").splitlines()]
                gpus = [{"index": figure(r[0]), "name": r[1].strip(), "utilizationPercent": figure(r[2]),
                         "memoryUsedMb": figure(r[3]), "memoryTotalMb": figure(r[4]), "temperatureC": figure(r[5])}
                        for r in rows if len(r) == len(fields)]
            except (OSError, subprocess.SubprocessError):
                gpus = []
            if not gpus and self.closing.wait(2):
                return
            if gpus:
                self.gpu_samples.append({"at": now_ms(), "gpus": gpus})

    # ── results (§6) ──
    def results_dir(self, boot):
        """→ (folder, whether everything in it may be shown)."""
        if boot in (None, self.boot_id):
            return os.path.join(self.dir, "results"), self.phase in FINAL or self.trainer_over
        if self.previous and boot == self.previous["bootId"]:
            return os.path.join(self.boot_dir(boot), "results"), self.previous["state"].get("phase") in FINAL
        raise Refusal(404, "UNKNOWN_BOOT", "This disk holds no such boot.")

    def result_paths(self, top, whole):
        """Regular files only, links never; of checkpoints only complete ones; the rest once the trainer is over."""
        found = []
        for folder, folders, names in os.walk(top):
            folders[:] = sorted(n for n in folders if not os.path.islink(os.path.join(folder, n)))
            for name in sorted(names):
                path = os.path.join(folder, name)
                relative = os.path.relpath(path, top).replace(os.sep, "/")
                try:
                    is_file = stat.S_ISREG(os.lstat(path).st_mode)
                except OSError:
                    continue  # pruned meanwhile
                if is_file and self.may_show(top, relative, whole):
                    found.append(relative)
        return found

    @staticmethod
    def may_show(top, relative, whole):
        parts = relative.split("/")
        if relative.endswith(".part"):
            return False
        if parts[0] == "checkpoints":
            return len(parts) > 2 and re.fullmatch(r"checkpoint-\d+", parts[1]) is not None \
                and os.path.isfile(os.path.join(top, parts[0], parts[1], "COMPLETE"))
        return whole

    def manifest(self, budget, boot=None):
        top, whole = self.results_dir(boot)
        deadline, files, pending = time.monotonic() + budget, [], 0
        for relative in self.result_paths(top, whole):
            try:
                digest, size = self.digest(os.path.join(top, relative), deadline)
            except OSError:
                continue  # pruned meanwhile
            if digest is None:
                pending += 1
            else:
                files.append({"path": relative, "sizeBytes": size, "sha256": digest, "kind": kind_of(relative)})
        return {"bootId": boot or self.boot_id, "final": whole, "pending": pending, "files": files}

    def digest(self, path, deadline):
        about = os.lstat(path)
        key = (path, about.st_ino, about.st_size, about.st_mtime_ns)
        if key in self.digests:
            return self.digests[key], about.st_size
        total = hashlib.sha256()
        with open(path, "rb") as source:
            while True:
                if time.monotonic() > deadline:
                    return None, about.st_size
                block = source.read(MIB)
                if not block:
                    break
                total.update(block)
        self.digests[key] = total.hexdigest()
        return self.digests[key], about.st_size

    def open_result(self, relative, boot):
        top, whole = self.results_dir(boot)
        parts = relative.split("/")
        if "\0" in relative or "\\" in relative or any(p in ("", ".", "..") for p in parts) or not self.may_show(top, relative, whole):
            raise Refusal(404, "NO_SUCH_RESULT", "There is no such result.")
        fd = os.open(top, os.O_RDONLY | os.O_DIRECTORY)
        try:
            for i, part in enumerate(parts):  # step by step from the folder, following no link
                flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | (os.O_DIRECTORY if i < len(parts) - 1 else 0)
                inner = os.open(part, flags, dir_fd=fd)
                os.close(fd)
                fd = inner
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise OSError("not a file")
        except (OSError, ValueError):
            os.close(fd)
            raise Refusal(404, "NO_SUCH_RESULT", "There is no such result.")
        return fd, os.path.join(top, relative)

    def newest_checkpoint(self):
        """→ the step of the newest complete checkpoint, or None."""
        top = os.path.join(self.dir, "results", "checkpoints")
        try:
            steps = [int(name[11:]) for name in os.listdir(top) if re.fullmatch(r"checkpoint-\d{1,15}", name)
                     and os.path.isfile(os.path.join(top, name, "COMPLETE"))]
        except OSError:
            return None
        return max(steps, default=None)

    def hold(self, step):
        """Marks a complete checkpoint as being fetched: the trainer spares it for a while (§6.3). → whether there is one"""
        top, name = os.path.join(self.dir, "results", "checkpoints"), "checkpoint-%s" % step
        if step is None or not os.path.isfile(os.path.join(top, name, "COMPLETE")):
            return False
        with self.hold_lock:
            now = time.monotonic()
            if self.phase == "RUNNING" and (self.held[0] != name or now - self.held[1] >= HOLD_RENEWAL_SECONDS):
                try:
                    write_atomic(os.path.join(top, "HELD"), name, is_synced=False)
                    self.held = (name, now)
                except OSError:
                    pass  # a disk without room for the mark has none for one checkpoint more either
        return True

    # ── status (§4) ──
    def status(self):
        try:
            usage = shutil.disk_usage(self.dir)
            disk = {"freeBytes": usage.free, "totalBytes": usage.total}
        except OSError:
            disk = None
        with self.lock:
            previous = self.previous and {
                "bootId": self.previous["bootId"], "phase": self.previous["state"].get("phase", "WAITING"),
                "exitCode": self.previous["state"].get("exitCode"), "failure": self.previous["state"].get("failure"),
                "step": self.previous["state"].get("step"), "lastLine": self.previous["log"].last}
            return {"protocol": PROTOCOL, "bootId": self.boot_id, "phase": self.phase, "step": self.step,
                    "totalSteps": self.total_steps, "startStep": self.start_step,
                    "checkpointStep": self.newest_checkpoint(), "exitCode": self.exit_code, "failure": self.failure,
                    "hasJob": self.job is not None, "files": [{"name": n, **f} for n, f in sorted(self.files.items())],
                    "lastLine": self.log.last, "logClosed": self.log.closed, "droppedLines": self.log.dropped,
                    "lastMetric": self.last_metric, "bootedAt": self.booted_at, "startedAt": self.started_at,
                    "endedAt": self.ended_at, "now": now_ms(), "restarted": previous is not None,
                    "previousBoot": previous, "disk": disk, "gpuSamples": list(self.gpu_samples), "ending": self.ending}

    # ── the end of the pod (§8) ──
    def due(self):
        """Why the pod must end now, or None. The owner's absence is no reason while it trains."""
        now = time.monotonic()
        with self.lock:
            if self.ending:
                return None
            if self.ran_before + now - self.booted > self.set.max_runtime:  # not by a clock that may be set
                return "RUNTIME_LIMIT"
            if self.phase in FINAL:
                if not self.fetching and now - max(self.ended, self.last_fetch) > self.set.result_grace:
                    return "RESULTS_NOT_FETCHED"
            elif self.phase == "WAITING" and not self.uploading:
                ended_before = self.previous and self.previous["state"].get("endedAt")
                if ended_before and now_ms() - ended_before < self.set.result_grace * 1000:
                    return None  # an earlier boot's results may still be fetched
                if not self.fetching and now - max(self.last_upload, self.last_fetch) > self.set.upload_grace:
                    return "NO_JOB"
        return None

    def end_pod(self, reason, grace):
        with self.lock:
            if self.ending:
                return
            self.ending = {"reason": reason, "since": now_ms(), "tries": 0, "acceptedBy": None, "refused": False, "errors": []}
        self.say("ending this pod: %s" % reason)
        self.save_state()
        threading.Thread(target=self._end_pod, args=(reason, grace), daemon=True).start()

    def _end_pod(self, reason, grace):
        if self.phase not in FINAL and self.runner is not None:
            self.stop("RUNTIME_LIMIT" if reason == "RUNTIME_LIMIT" else "RELEASED", grace)
            self.runner.join(grace + 15)
        give_up = time.monotonic() + 5
        while self.printer_at < self.log.last and time.monotonic() < give_up:
            self.closing.wait(0.05)
        delay = self.set.end_retry
        while not self.closing.is_set():
            accepted, errors = None, []
            for way, act in (("rest", self.end_by_rest), ("runpodctl", self.end_by_runpodctl), ("graphql", self.end_by_graphql)):
                try:
                    if not self.set.pod_id:
                        raise OSError("RUNPOD_POD_ID is not set")
                    within(40, act)
                    accepted = way
                    break
                except Exception as error:
                    errors.append({"way": way, "error": self.redactor.text("%s: %s" % (type(error).__name__, error))[:300]})
            with self.lock:
                self.ending.update(tries=self.ending["tries"] + 1, acceptedBy=accepted, refused=accepted is None, errors=errors)
            self.say("end of pod accepted by %s" % accepted if accepted else "every way to end this pod was refused: %s" % dump(errors))
            # Accepted and still here after a while: asked again. Never exits: that would restart the container.
            self.closing.wait(max(delay, 2 * self.set.end_retry) if accepted else delay)
            delay = min(delay * 2, max(600, self.set.end_retry))

    def call(self, method, url, body=None):
        headers = {"User-Agent": AGENT_NAME, "Authorization": "Bearer " + self.set.api_key, "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        request = urllib.request.Request(url, method=method, headers=headers, data=body and dump(body).encode())
        opener = urllib.request.build_opener(NoRedirects)
        with opener.open(request, timeout=15) as answer:
            return answer.read(64 * KIB)

    def end_by_rest(self):
        try:
            self.call("DELETE", "%s/pods/%s" % (self.set.rest_url, urllib.parse.quote(self.set.pod_id, safe="")))
        except urllib.error.HTTPError as error:
            error.close()
            if error.code not in (404, 410):
                raise

    def end_by_runpodctl(self):
        tool = shutil.which("runpodctl")
        if tool is None:
            raise FileNotFoundError("runpodctl is not installed")
        done = subprocess.run([tool, "remove", "pod", self.set.pod_id], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=30)
        if done.returncode != 0:
            raise OSError("exit code %d: %s" % (done.returncode, done.stdout[-200:].decode("utf-8", "replace")))

    def end_by_graphql(self):
        query = "mutation EndOwnPod($id: String!) { podTerminate(input: { podId: $id }) }"
        answer = json.loads(self.call("POST", self.set.graphql_url, {"query": query, "variables": {"id": self.set.pod_id}}))
        if answer.get("errors"):
            raise OSError("GraphQL errors: %s" % dump(answer["errors"])[:200])


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the key elsewhere."""

    def redirect_request(self, *_args):
        return None


def within(seconds, act):
    box = []

    def body():
        try:
            act()
            box.append(None)
        except Exception as error:
            box.append(error)

    thread = threading.Thread(target=body, daemon=True)
    thread.start()
    thread.join(seconds)
    if not box:
        raise TimeoutError("no answer within %d s" % seconds)
    if box[0] is not None:
        raise box[0]


def figure(text):
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        return None


def oom_kills():
    try:
        with open("/sys/fs/cgroup/memory.events", encoding="ascii") as source:
            return sum(int(line.split()[1]) for line in source if line.startswith("oom_kill "))
    except (OSError, ValueError, IndexError):
        return 0


def is_checkpoint(value, files):
    """Whether a job may bring this checkpoint (§3.4)."""
    if not isinstance(value, dict) or set(value) != {"step", "files"} or not isinstance(value["files"], dict):
        return False
    step, names = value["step"], value["files"]
    return type(step) is int and 0 <= step < 10 ** 15 and "COMPLETE" in names \
        and len(set(map(str, names.values()))) == len(names) \
        and all(CHECKPOINT_PATH.match(path) and isinstance(name, str) and name in files for path, name in names.items())


def checkpoint_of(path):
    """→ the step of the checkpoint that a result belongs to, or None."""
    match = re.match(r"checkpoints/checkpoint-(\d{1,15})/", path)
    return match and int(match[1])


def kind_of(path):
    name = path.rsplit("/", 1)[-1]
    if path.startswith("checkpoints/"):
        return "CHECKPOINT"
    if name.startswith(("tokenizer", "special_tokens_map", "vocab", "merges", "chat_template")):
        return "TOKENIZER"
    if name.endswith(".safetensors"):
        return "ADAPTER"
    return "CONFIG" if name.endswith(".json") else "LOG" if name.endswith((".log", ".jsonl")) else "OTHER"


# ── HTTP (§2, §3) ───────────────────────────────────────────────────────────────────────────────
class Cut(Exception):
    """The client went away in the middle of a body."""


class Body:
    """A request body of declared or chunked length, read in pieces, never beyond `limit`."""

    def __init__(self, handler, limit):
        self._handler, self._source, self._limit, self._seen = handler, handler.rfile, limit, 0
        encoding, length = handler.headers.get("Transfer-Encoding", "").lower(), handler.headers.get("Content-Length")
        if encoding and (encoding != "chunked" or length is not None):
            raise Refusal(400, "BAD_FRAMING", "Only one of Content-Length and chunked.")
        if not encoding and length is not None and not re.fullmatch(r"\d{1,15}", length):
            raise Refusal(400, "BAD_FRAMING", "Content-Length is not a number.")
        self._chunked, self._done = bool(encoding), False
        self._left = 0 if self._chunked else int(length or 0)
        self.declared = None if self._chunked else self._left
        if self._left > limit:
            raise Refusal(413, "TOO_LARGE", "The body may have %d bytes." % limit)
        if handler.headers.get("Expect", "").lower() == "100-continue" and (self._left or self._chunked):
            handler.send_response_only(100)
            handler.end_headers()

    def read(self, size):
        if self._done:
            return b""
        if self._left == 0:
            if not self._chunked:
                self._done = True
                return b""
            self._next_chunk()
            if self._done:
                return b""
        data = self._receive(min(size, self._left))
        self._left -= len(data)
        if self._left == 0 and self._chunked and self._line() != b"":
            raise Refusal(400, "BAD_FRAMING", "A chunk has the wrong length.")
        return data

    def _next_chunk(self):
        text = self._line().split(b";")[0].strip()
        if not re.fullmatch(rb"[0-9a-fA-F]{1,12}", text):
            raise Refusal(400, "BAD_FRAMING", "A chunk has no length.")
        self._left = int(text, 16)
        self._seen += self._left
        if self._seen > self._limit:
            raise Refusal(413, "TOO_LARGE", "The body may have %d bytes." % self._limit)
        if self._left == 0:
            self._done = True
            while self._line():
                pass

    def _receive(self, size):
        try:
            data = self._source.read1(size)
        except OSError:
            data = b""
        if not data:
            raise Cut()
        return data

    def _line(self):
        try:
            line = self._source.readline(4 * KIB)
        except OSError:
            line = b""
        if not line.endswith(b"\n"):
            raise Cut()
        return line.rstrip(b"\r\n")

    def all(self):
        pieces = []
        while True:
            piece = self.read(64 * KIB)
            if not piece:
                return b"".join(pieces)
            pieces.append(piece)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30  # of every single read and write
    agent = None  # set by serve()

    def log_message(self, *_args):
        """Requests are not logged: nothing of them may reach the log."""

    def version_string(self):
        return AGENT_NAME

    def handle_expect_100(self):
        return True  # said only once the token is checked and the body wanted

    def send_error(self, code, message=None, explain=None):
        self.answer(code, {"error": {"code": "BAD_REQUEST", "message": "The request was not understood."}})

    def answer(self, status, value, headers=()):
        data = (dump(value) + "\n").encode()
        self.begin(status, [("Content-Type", "application/json"), ("Content-Length", str(len(data))), *headers])
        self.wfile.write(data)

    def begin(self, status, headers):
        self.close_connection = True
        self.answered = True
        self.send_response(status)
        for name, value in (*headers, ("Cache-Control", "no-store"), ("Connection", "close")):
            self.send_header(name, value)
        self.end_headers()

    def authorized(self):
        given = self.headers.get("Authorization", "")
        token = given[7:].strip() if given[:7].lower() == "bearer " else ""
        digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
        known = self.agent.set.token_sha256
        # Always compared, so that a missing token costs the same time as a wrong one.
        return hmac.compare_digest(digest, known or "0" * 64) and known is not None and token != ""

    def dispatch(self):
        self.answered = False
        try:
            if not self.authorized():
                raise Refusal(401, "UNAUTHORIZED", "A valid token is needed.")
            self.server.unproved.pop(self.connection, None)
            self.route()
        except Refusal as refusal:
            if not self.answered:
                error = {"code": refusal.code, "message": refusal.message, **refusal.extra}
                extra = [("WWW-Authenticate", "Bearer")] if refusal.status == 401 else []
                self.answer(refusal.status, {"error": error}, extra)
                self.drain()
        except (Cut, OSError):
            self.close_connection = True
        except Exception as error:
            self.close_connection = True
            self.agent.say("a request failed inside the agent: %s" % type(error).__name__)
            if not self.answered:
                self.answer(500, {"error": {"code": "INTERNAL", "message": "The agent failed."}})

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = do_PATCH = do_OPTIONS = dispatch

    def drain(self):
        """Reads a little of a body nobody wanted: closing at once would reset the answer away."""
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_WR)
        self.connection.settimeout(1)
        left, until = 4 * MIB, time.monotonic() + 2
        while left > 0 and time.monotonic() < until:
            data = self.connection.recv(64 * KIB)
            if not data:
                return
            left -= len(data)

    def route(self):
        path, _, query = self.path.partition("?")
        if len(self.path) > 4096:
            raise Refusal(414, "TOO_LONG", "The address is too long.")
        self.query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        fixed = {"/health": {"GET": self.get_health}, "/v1/status": {"GET": self.get_status},
                 "/v1/job": {"PUT": self.put_job}, "/v1/start": {"POST": self.post_start},
                 "/v1/stop": {"POST": self.post_stop}, "/v1/release": {"POST": self.post_release},
                 "/v1/logs": {"GET": self.get_logs}, "/v1/results": {"GET": self.get_results}}
        methods = fixed.get(path)
        if methods is None and path.startswith("/v1/files/"):
            self.rest, methods = path[len("/v1/files/"):], {"GET": self.get_file, "PUT": self.put_file}
        if methods is None and path.startswith("/v1/results/"):
            self.rest, methods = path[len("/v1/results/"):], {"GET": self.get_result}
        if methods is None:
            raise Refusal(404, "NOT_FOUND", "There is no such address.")
        if self.command not in methods:
            raise Refusal(405, "METHOD_NOT_ALLOWED", "Only %s." % ", ".join(methods))
        methods[self.command]()

    def integer(self, name, default, low, high):
        text = self.query.get(name)
        if text is None:
            return default
        if not re.fullmatch(r"\d{1,15}", text) or not low <= int(text) <= high:
            raise Refusal(400, "BAD_QUERY", "`%s` must be a number from %d to %d." % (name, low, high))
        return int(text)

    def small_body(self):
        raw = Body(self, BODY_LIMITS["small"]).all()
        try:
            body = json.loads(raw) if raw.strip() else {}
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise Refusal(400, "BAD_JSON", "The body must be a JSON object.")
        return body

    def grace(self, default):
        value = self.small_body().get("graceSeconds", default)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 600:
            raise Refusal(400, "BAD_JSON", "`graceSeconds` must be a number from 0 to 600.")
        return value

    def get_health(self):
        self.answer(200, {"ok": True, "bootId": self.agent.boot_id})

    def get_status(self):
        self.answer(200, self.agent.status())

    def put_job(self):
        status = self.agent.accept_job(Body(self, BODY_LIMITS["job"]).all())
        self.answer(status, {"bootId": self.agent.boot_id, "phase": self.agent.phase})

    def post_start(self):
        self.small_body()
        self.answer(self.agent.start(), {"bootId": self.agent.boot_id, "phase": self.agent.phase})

    def post_stop(self):
        status = self.agent.stop("STOPPED", self.grace(self.agent.set.stop_grace))
        self.answer(status, {"bootId": self.agent.boot_id, "phase": self.agent.phase})

    def post_release(self):
        grace = self.grace(10)
        self.agent.end_pod("RELEASED", grace)
        self.answer(202, {"bootId": self.agent.boot_id, "phase": self.agent.phase, "ending": self.agent.ending})

    # ── files (§3.3) ──
    def file_name(self):
        name = urllib.parse.unquote(self.rest)
        if not FILE_NAME.match(name):
            raise Refusal(400, "BAD_NAME", "A file name has letters, digits, dot, dash and underscore only.")
        return name

    def get_file(self):
        known = self.agent.files.get(self.file_name())
        if known is None:
            raise Refusal(404, "NO_SUCH_FILE", "Nothing of that name was uploaded.")
        self.answer(200, known)

    def put_file(self):
        agent, name = self.agent, self.file_name()
        size, sha256 = self.headers.get("X-File-Size", ""), self.headers.get("X-File-Sha256", "").lower()
        if not re.fullmatch(r"\d{1,15}", size) or not re.fullmatch(r"[0-9a-f]{64}", sha256):
            raise Refusal(400, "BAD_HEADERS", "X-File-Size and X-File-Sha256 are needed.")
        size, offset = int(size), 0
        if size > agent.set.max_upload:
            raise Refusal(413, "TOO_LARGE", "A file may have %d bytes." % agent.set.max_upload)
        given = self.headers.get("Content-Range")
        if given is not None:
            match = re.fullmatch(r"bytes (\d{1,15})-(\d{1,15})/(\d{1,15})", given)
            if not match or int(match[3]) != size or not int(match[1]) <= int(match[2]) < size:
                raise Refusal(400, "BAD_HEADERS", "Content-Range does not fit X-File-Size.")
            offset = int(match[1])
        with agent.lock:
            if agent.phase != "WAITING" or agent.ending:
                raise Refusal(409, "TOO_LATE", "Files are taken before the start only.")
            known = agent.files.get(name)
            same = bool(known and known["complete"]) and (known["sizeBytes"], known["sha256"]) == (size, sha256)
            if known and known["complete"] and not same:
                raise Refusal(409, "FILE_DIFFERS", "Another file has that name already.")
        if same:
            self.answer(200, known)
            return self.drain()
        with agent.lock:
            known = agent.files.get(name)
            if name in agent.busy_files or (known and known["complete"]):
                raise Refusal(409, "BUSY", "That file is being uploaded.")
            if known is None and len(agent.files) >= 100:
                raise Refusal(409, "TOO_MANY_FILES", "A job has at most 100 files.")
            if known is None or (known["sizeBytes"], known["sha256"]) != (size, sha256) or given is None:
                known = {"sizeBytes": size, "sha256": sha256, "received": 0, "complete": False}
            if offset != known["received"]:
                raise Refusal(409, "WRONG_OFFSET", "The next part begins at %d." % known["received"], received=known["received"])
            if shutil.disk_usage(agent.dir).free < size - known["received"] + 16 * MIB:
                raise Refusal(507, "DISK_FULL", "The disk has no room for that file.")
            agent.files[name] = known
            agent.busy_files.add(name)
            agent.uploading += 1
        try:
            self.receive_file(name, known, int(match[2]) + 1 if given is not None else size)
        except OSError as error:
            raise Refusal(507, "DISK_FULL", "The file could not be written (errno %s)." % error.errno)
        finally:
            with agent.lock:
                agent.busy_files.discard(name)
                if not known["complete"] and known["received"] >= known["sizeBytes"]:
                    known["received"] = 0  # whole and not verified: no part could follow it
                agent.uploading -= 1
                agent.last_upload = time.monotonic()
        self.answer(201 if known["complete"] else 202, known)

    def receive_file(self, name, known, end):
        """Appends until `end`. What arrived before a cut stays, so that the sender can go on from there."""
        final = os.path.join(self.agent.dir, "files", name)
        body = Body(self, end - known["received"])
        with open(final + ".part", "r+b" if known["received"] else "wb") as out:
            out.truncate(known["received"])
            out.seek(known["received"])
            while True:
                piece = body.read(256 * KIB)
                if not piece:
                    break
                out.write(piece)
                out.flush()
                known["received"] += len(piece)
            out.flush()
            os.fsync(out.fileno())
        if known["received"] != end:
            raise Refusal(400, "TOO_SHORT", "Fewer bytes came than declared.", received=known["received"])
        if known["received"] < known["sizeBytes"]:
            return
        total = hashlib.sha256()
        with open(final + ".part", "rb") as source:
            for block in iter(lambda: source.read(MIB), b""):
                total.update(block)
        if total.hexdigest() != known["sha256"]:
            with self.agent.lock:
                self.agent.files.pop(name, None)
            os.unlink(final + ".part")
            raise Refusal(422, "SHA256_MISMATCH", "The bytes are not those of the declared sha256.")
        os.replace(final + ".part", final)
        known["complete"] = True

    # ── logs (§5) ──
    def get_logs(self):
        agent, boot = self.agent, self.query.get("boot")
        after, given = self.integer("after", None, 0, 10 ** 15), self.headers.get("Last-Event-ID", "")
        if after is None:
            match = re.fullmatch(r"([0-9a-f]{16}):(\d{1,15})", given)
            boot, after = (match[1], int(match[2])) if match else (boot, 0)
        if boot in (None, agent.boot_id):
            boot, log = agent.boot_id, agent.log
        elif agent.previous and boot == agent.previous["bootId"]:
            log = agent.previous["log"]
        else:
            raise Refusal(404, "UNKNOWN_BOOT", "This disk holds no such boot.", bootId=agent.boot_id)
        if after > log.last:
            raise Refusal(409, "BEYOND_END", "There are only %d lines." % log.last, bootId=boot, lastLine=log.last)
        if self.query.get("wait") == "0":
            return self.log_page(boot, log, after)
        self.log_stream(boot, log, after)

    def log_page(self, boot, log, after):
        closed = log.closed  # read first: lines may only come later than this, never earlier
        rows = log.read(after, self.integer("limit", 1000, 1, 10000))
        head = {"bootId": boot, "after": after, "next": after + len(rows), "lastLine": log.last, "closed": closed}
        data = dump(head)[:-1].encode() + b',"lines":[' + b",".join(rows) + b"]}\n"
        self.begin(200, [("Content-Type", "application/json"), ("Content-Length", str(len(data)))])
        self.wfile.write(data)

    def log_stream(self, boot, log, after):
        agent, began = self.agent, time.monotonic()
        self.begin(200, [("Content-Type", "text/event-stream"), ("X-Accel-Buffering", "no")])
        self.wfile.write(b"retry: 1000\n\n")
        until = began + agent.set.stream_seconds
        while not agent.closing.is_set():
            closed = log.closed
            rows = log.read(after, 1000, 128 * KIB)
            if rows:
                self.wfile.write(b"".join(b"id: %s:%d\ndata: %s\n\n" % (boot.encode(), after + i + 1, row) for i, row in enumerate(rows)))
                after += len(rows)
            elif closed:
                return self.event("end", {"bootId": boot, "lastLine": after})
            left = until - time.monotonic()
            if left <= 0:
                break
            if not rows:
                log.wait(after, min(left, agent.set.heartbeat))
                if log.last == after and not log.closed:
                    self.wfile.write(b":\n\n")
        self.event("reopen", {"bootId": boot, "after": after})

    def event(self, name, value):
        self.wfile.write(("event: %s\ndata: %s\n\n" % (name, dump(value))).encode())

    # ── results (§6) ──
    def get_results(self):
        agent, boot = self.agent, self.query.get("boot")
        agent.last_fetch = time.monotonic()
        wanted = self.integer("hold", None, 0, 10 ** 15)
        if boot in (None, agent.boot_id):
            agent.hold(wanted) or agent.hold(agent.newest_checkpoint())
        self.answer(200, agent.manifest(60, boot))

    def get_result(self):
        agent, boot = self.agent, self.query.get("boot")
        relative = urllib.parse.unquote(self.rest)
        fd, path = agent.open_result(relative, boot)
        if boot in (None, agent.boot_id):
            agent.hold(checkpoint_of(relative))
        with agent.lock:
            agent.fetching += 1
        try:
            with os.fdopen(fd, "rb") as source:
                self.send_result(source, path)
        finally:
            with agent.lock:
                agent.fetching -= 1
                agent.last_fetch = time.monotonic()

    def send_result(self, source, path):
        about = os.fstat(source.fileno())
        size = about.st_size
        digest = self.agent.digests.get((path, about.st_ino, size, about.st_mtime_ns))
        tag = '"%s"' % digest if digest else None
        headers = [("Content-Type", "application/octet-stream"), ("Accept-Ranges", "bytes")] + ([("ETag", tag)] if tag else [])
        wanted, condition = self.headers.get("Range"), self.headers.get("If-Range")
        span = None if wanted is None or condition not in (None, tag) else parse_range(wanted, size)
        if span == "unsatisfiable":
            self.answer(416, {"error": {"code": "BAD_RANGE", "message": "The file has %d bytes." % size}},
                        [("Content-Range", "bytes */%d" % size)])
            return
        first, last = span or (0, size - 1)
        if span:
            headers.append(("Content-Range", "bytes %d-%d/%d" % (first, last, size)))
        left = last - first + 1
        self.begin(206 if span else 200, headers + [("Content-Length", str(left))])
        source.seek(first)
        until = time.monotonic() + 95  # the proxy cuts at 100 s; whoever is slower asks for less
        while left > 0 and time.monotonic() < until:
            block = source.read(min(256 * KIB, left))
            if not block:
                return
            self.wfile.write(block)
            left -= len(block)
            self.agent.last_fetch = time.monotonic()


def parse_range(text, size):
    """→ (first, last), "unsatisfiable", or None for a header to be ignored (RFC 9110 §14.2)."""
    match = re.fullmatch(r"bytes=(\d{0,15})-(\d{0,15})", text.strip())
    if not match or match[1] == match[2] == "":
        return None
    if match[1] == "":
        count = min(int(match[2]), size)
        return (size - count, size - 1) if count else "unsatisfiable"
    first, last = int(match[1]), min(int(match[2]) if match[2] else size - 1, size - 1)
    if match[2] and int(match[2]) < first:
        return None
    return (first, last) if first < size else "unsatisfiable"


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, *args):
        self.slots, self.unproved = threading.Semaphore(MAX_CONNECTIONS), {}
        super().__init__(*args)

    def server_bind(self):
        socketserver.TCPServer.server_bind(self)  # HTTPServer's would ask the DNS for this host's name
        self.server_name, self.server_port = "agent", self.server_address[1]

    def process_request(self, request, client_address):
        if not self.slots.acquire(blocking=False):
            try:
                request.settimeout(1)
                request.sendall(b"HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            except OSError:
                pass
            return self.shutdown_request(request)
        self.unproved[request] = time.monotonic() + Handler.agent.set.auth_seconds
        super().process_request(request, client_address)

    def process_request_thread(self, request, client_address):
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.unproved.pop(request, None)
            self.slots.release()

    def handle_error(self, request, client_address):
        """Broken connections are everyday; nothing of a request is printed."""

    def cut_unproved(self):
        now = time.monotonic()
        for request, until in list(self.unproved.items()):
            if now > until:
                self.unproved.pop(request, None)
                try:
                    request.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass


def main():
    settings = Settings(os.environ)
    agent = Agent(settings)
    Handler.agent = agent
    signals = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _frame: signals.append(received))
    server, fault = None, None if settings.token_sha256 else "AGENT_TOKEN_SHA256 is not a SHA-256 in hex"
    try:
        server = Server((settings.host, settings.port), Handler)
    except OSError as error:
        fault = "port %d cannot be opened: %s" % (settings.port, error)
    for target in (agent.print_lines, agent.sample_gpus):
        threading.Thread(target=target, daemon=True).start()
    for text in settings.faults:
        agent.say(text)
    if server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.2}, daemon=True).start()
        agent.say("agent protocol %d, boot %s, port %d" % (PROTOCOL, agent.boot_id, server.server_address[1]))
    if agent.previous:
        agent.say("this container restarted: boot %s was %s; nothing is trained by itself"
                  % (agent.previous["bootId"], agent.previous["state"].get("phase", "WAITING")))
    agent.save_state()
    if fault:
        agent.end_pod("MISCONFIGURED: " + fault, 0)
    elif agent.previous and agent.previous["state"].get("ending"):
        agent.end_pod(str(agent.previous["state"]["ending"])[:200], 0)
    while not signals:
        time.sleep(0.1)
        if server:
            server.cut_unproved()
        reason = agent.due()
        if reason:
            agent.end_pod(reason, settings.stop_grace)
    # The platform takes the container away: let the trainer write its checkpoint, then go.
    if agent.runner is not None and agent.phase not in FINAL:
        agent.stop("SIGNAL", 20)
        agent.runner.join(25)
    agent.closing.set()
    give_up = time.monotonic() + 3
    while agent.printer_at < agent.log.last and time.monotonic() < give_up:
        time.sleep(0.05)
    os._exit(0)


if __name__ == "__main__":
    main()
