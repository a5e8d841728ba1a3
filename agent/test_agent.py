"""The agent as a process, over real sockets."""
import base64
import hashlib
import http.client
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import time
import unittest
import zlib

from support_for_tests import HERE, TOKEN, AgentProcess, Case, Platform, children_of, jsonl, sample_rows, started, until

SECRET = "hf_SecretValue0123456789/+="
HEAD = "import json, os, signal, subprocess, sys, time\njob = json.load(open(sys.argv[1])); results = job['paths']['results']; checkpoints = job['paths']['checkpoints']\n"
DONE = "open(os.path.join(results, 'adapter_config.json'), 'w').write('{}')\n"
WAIT = "signal.signal(signal.SIGTERM, lambda *_: sys.exit(20))\nprint('up', flush=True)\nwhile True: time.sleep(0.05)\n"


class Access(Case):
    def test_nobody_gets_in_without_the_token_at_any_address(self):
        agent = AgentProcess(self)
        for path in ("/health", "/v1/status", "/v1/logs?after=0", "/v1/results", "/v1/results/x", "/nowhere"):
            for token in (None, "", "wrong", TOKEN + "x", hashlib.sha256(TOKEN.encode()).hexdigest()):
                status, _, data = agent.request("GET", path, token=token)
                self.assertEqual((status, json.loads(data)["error"]["code"]), (401, "UNAUTHORIZED"), (path, token))
        for method, path in (("PUT", "/v1/job"), ("PUT", "/v1/files/a"), ("POST", "/v1/start"), ("POST", "/v1/stop"), ("POST", "/v1/release"), ("DELETE", "/v1/job")):
            self.assertEqual(agent.request(method, path, b"{}", token=None)[0], 401)
        self.assertEqual(agent.call("GET", "/health")[0], 200)
        self.assertEqual(agent.call("GET", "/nowhere")[0], 404)
        self.assertEqual(agent.call("DELETE", "/v1/job")[0], 405)
        self.assertIsNone(agent.status()["ending"])

    def test_a_big_body_without_the_token_is_refused_unread(self):
        agent = AgentProcess(self)
        self.assertEqual(agent.request("PUT", "/v1/job", b"x" * 3_000_000, token="wrong")[0], 401)

    def test_a_connection_that_only_drips_is_cut(self):
        agent = AgentProcess(self, AGENT_AUTH_SECONDS="0.3")
        with socket.create_connection(("127.0.0.1", agent.port), timeout=10) as link:
            link.sendall(b"GET /health HTTP/1.1\r\nX-Slow: ")
            self.assertEqual(link.recv(100), b"")
        self.assertEqual(agent.call("GET", "/health")[0], 200)

    def test_a_hundred_idle_connections_do_not_lock_the_owner_out_for_long(self):
        agent = AgentProcess(self, AGENT_AUTH_SECONDS="0.5")
        idle = [socket.create_connection(("127.0.0.1", agent.port), timeout=10) for _ in range(100)]
        for link in idle:
            self.addCleanup(link.close)

        def answers():
            try:
                return agent.request("GET", "/health")[0] == 200
            except (OSError, http.client.HTTPException):
                return False
        until("the agent answers again", answers)

    def test_malformed_requests_do_no_harm(self):
        agent = AgentProcess(self)
        auth = b"Authorization: Bearer " + TOKEN.encode() + b"\r\n"
        for raw in (b"\x00\xff\r\n\r\n", b"GET\r\n\r\n", b"GET /health HTTP/9.9\r\n\r\n", b"A" * 70000,
                    b"PUT /v1/job HTTP/1.1\r\n" + auth + b"Content-Length: -5\r\n\r\n",
                    b"PUT /v1/job HTTP/1.1\r\n" + auth + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
                    b"PUT /v1/job HTTP/1.1\r\n" + auth + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
                    b"PUT /v1/job HTTP/1.1\r\n" + auth + b"Transfer-Encoding: chunked\r\n\r\nfffffffff\r\n"):
            with socket.create_connection(("127.0.0.1", agent.port), timeout=10) as link:
                link.sendall(raw)
                link.shutdown(socket.SHUT_WR)
                try:
                    self.assertNotIn(b" 200 ", link.recv(200))
                except ConnectionResetError:
                    pass
        self.assertFalse(agent.status()["hasJob"])

    def test_without_a_token_hash_it_lets_nobody_in_and_ends_its_pod(self):
        platform = Platform(self)
        agent = AgentProcess(self, AGENT_TOKEN_SHA256="", **platform.env)
        for token in ("", "x", TOKEN):
            self.assertEqual(agent.request("GET", "/health", token=token)[0], 401)
        until("it ends its pod", lambda: platform.seen)


class Jobs(Case):
    def test_a_job_is_taken_once_the_same_again_is_fine_another_is_not(self):
        agent = AgentProcess(self)
        job = {"spec": {"a": 1}, "secrets": {"HF_TOKEN": SECRET}}
        self.assertEqual(agent.call("PUT", "/v1/job", job)[0], 201)
        self.assertEqual(agent.call("PUT", "/v1/job", {"secrets": {"HF_TOKEN": SECRET}, "spec": {"a": 1}})[0], 200)
        for other in ({"spec": {"a": 2}}, {"spec": {"a": 1}}, {"spec": {"a": 1}, "secrets": {"HF_TOKEN": SECRET + "x"}}):
            status, answer = agent.call("PUT", "/v1/job", other)
            self.assertEqual((status, answer["error"]["code"]), (409, "JOB_DIFFERS"))

    def test_what_is_not_a_job_is_refused(self):
        agent = AgentProcess(self)
        for body in (b"", b"{", b"[]", b"\xff", {"spec": 1}, {"spec": {}, "evil": 1}, {"spec": {}, "secrets": {"LD_PRELOAD": SECRET}},
                     {"spec": {}, "secrets": {"HF_TOKEN": "short"}}, {"spec": {}, "secrets": {"HF_TOKEN": "with space in it"}},
                     {"spec": {}, "secrets": {"HF_TOKEN": "line\nbreak12"}}, {"spec": {}, "files": ["../x"]}, {"spec": {}, "files": "x"},
                     {"spec": {}, "requirements": "../../etc/passwd"}, {"spec": {}, "requirements": "none-of-these"}):
            self.assertEqual(agent.call("PUT", "/v1/job", body)[0], 400, body)
        self.assertEqual(agent.call("PUT", "/v1/job", b"x" * (1024 * 1024 + 1))[0], 413)
        self.assertEqual(agent.call("POST", "/v1/start")[1]["error"]["code"], "NO_JOB")
        self.assertEqual(agent.call("POST", "/v1/start", b"x" * 5000)[0], 413)
        self.assertEqual(agent.call("POST", "/v1/stop")[1]["error"]["code"], "NOT_STARTED")
        self.assertEqual(agent.call("POST", "/v1/stop", {"graceSeconds": "1"})[0], 400)

    def test_a_whole_toy_job_from_upload_to_verified_adapter(self):
        agent = AgentProcess(self)
        agent.run({"backend": "toy", "baseModel": "tiny/one", "dataset": {"file": "t.jsonl"}, "maxSteps": 60, "checkpointSteps": 25},
                  {"HF_TOKEN": SECRET}, {"t.jsonl": jsonl(sample_rows())})
        frames = agent.stream()
        boot = agent.status()["bootId"]
        lines = [data for event, _, data in frames if event == "line"]
        self.assertEqual([line["n"] for line in lines], list(range(1, len(lines) + 1)))
        self.assertEqual([i for event, i, _ in frames if event == "line"], ["%s:%d" % (boot, line["n"]) for line in lines])
        self.assertEqual((frames[-1][0], frames[-1][2]), ("end", {"bootId": boot, "lastLine": len(lines)}))
        status = agent.ended()
        self.assertEqual((status["phase"], status["exitCode"], status["failure"], status["step"], status["totalSteps"]), ("SUCCEEDED", 0, None, 60, 60))
        self.assertIn("This is the toy trainer", next(line["x"] for line in lines if line["s"] == "stdout"))
        losses = [json.loads(line["x"][8:])["loss"] for line in lines if '"event":"step"' in line["x"]]
        self.assertLess(losses[-1], losses[0] - 1)
        manifest = agent.call("GET", "/v1/results")[1]
        self.assertTrue(manifest["final"])
        self.assertEqual(manifest["pending"], 0)
        kinds = {f["path"]: f["kind"] for f in manifest["files"]}
        self.assertEqual(kinds["adapter_model.safetensors"], "ADAPTER")
        self.assertEqual(kinds["adapter_config.json"], "CONFIG")
        self.assertEqual(kinds["checkpoints/checkpoint-50/COMPLETE"], "CHECKPOINT")
        for file in manifest["files"]:
            code, headers, data = agent.request("GET", "/v1/results/" + file["path"])
            self.assertEqual((code, len(data), hashlib.sha256(data).hexdigest()), (200, file["sizeBytes"], file["sha256"]))
            self.assertEqual(headers["ETag"], '"%s"' % file["sha256"])
        data = agent.request("GET", "/v1/results/adapter_model.safetensors")[2]
        header = json.loads(data[8:8 + struct.unpack("<Q", data[:8])[0]])
        self.assertEqual(header["base_model.model.out_proj.lora_A.weight"]["shape"], [8, 16])
        # The platform's stream says the same lines with the same numbers.
        until("stdout has every line", lambda: [r for r in agent.records() if r.get("n") == len(lines)])
        self.assertEqual([(r["n"], r["x"], r["boot"]) for r in agent.records() if "n" in r], [(line["n"], line["x"], boot) for line in lines])
        self.assertEqual(agent.call("POST", "/v1/start")[0], 200)
        self.assertEqual(agent.call("POST", "/v1/stop")[0], 200)

    def test_a_secret_reaches_the_trainer_and_nothing_else(self):
        agent = AgentProcess(self, HEAD + DONE + "print(len(os.environ['HF_TOKEN']), sorted(k for k in os.environ if k.startswith(('AGENT_', 'RUNPOD_'))))\n"
                             "print(os.environ['HF_TOKEN']); sys.stderr.write('x' + os.environ['HF_TOKEN'] + 'y\\n')\n"
                             "print('@failure ' + json.dumps({'code': 'DATASET_INVALID', 'message': 'token ' + os.environ['HF_TOKEN']})); sys.exit(10)\n")
        agent.run({}, {"HF_TOKEN": SECRET})
        status = agent.ended()
        self.assertEqual(status["failure"], {"code": "DATASET_INVALID", "message": "token [redacted]"})
        texts = [line["x"] for line in agent.lines()]
        self.assertIn("%d ['RUNPOD_POD_ID']" % len(SECRET), texts)
        self.assertIn("[redacted]", texts)
        self.assertIn("x[redacted]y", texts)
        held = json.dumps(status) + json.dumps(texts)
        for folder in (agent.directory, os.path.dirname(agent.stdout_path)):
            for top, _, names in os.walk(folder):
                for name in names:
                    with open(os.path.join(top, name), "rb") as source:
                        held += source.read().decode("utf-8", "replace")
        self.assertNotIn(SECRET[:12], held)

    def test_a_failed_trainer_is_told_by_its_exit_code_and_last_word(self):
        for text, code, failure in (
                ("print('@failure {\"code\":\"OUT_OF_MEMORY\",\"message\":\"too big\"}'); sys.exit(13)", 13, ("OUT_OF_MEMORY", "too big")),
                ("print('@failure {\"code\":\"DISK_FULL\",\"message\":\"lie\"}'); sys.exit(3)", 3, ("TRAINER_CRASHED", "exit code 3")),
                ("sys.stderr.write('Boom: it broke\\n'); sys.exit(1)", 1, ("TRAINER_CRASHED", "Boom: it broke")),
                ("os.kill(os.getpid(), signal.SIGSEGV)", -11, ("TRAINER_CRASHED", "signal 11")),
                ("sys.exit(0)", 0, ("TRAINER_CRASHED", "no result")),
                ("print('@metric {\"step\": \"x\"}'); print('@metric {broken'); print('@failure {}'); sys.exit(10)", 10, ("DATASET_INVALID", "exit code 10"))):
            agent = AgentProcess(self, HEAD + text)
            agent.run()
            status = agent.ended()
            self.assertEqual((status["phase"], status["exitCode"], status["failure"]["code"]), ("FAILED", code, failure[0]), text)
            self.assertIn(failure[1], status["failure"]["message"])
            agent.kill()

    def test_a_stop_asks_first_and_kills_the_whole_group_after_the_grace(self):
        agent = AgentProcess(self, HEAD + WAIT)
        agent.run()
        until("it runs", lambda: [line for line in agent.lines() if line["x"] == "up"])
        self.assertEqual(agent.call("POST", "/v1/stop")[0], 202)
        self.assertEqual(agent.ended()["failure"]["code"], "STOPPED")
        stubborn = AgentProcess(self, HEAD + "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
                                "child = subprocess.Popen([sys.executable, '-c', 'import signal,time\\nsignal.signal(15, signal.SIG_IGN)\\nwhile True: time.sleep(1)'])\n"
                                "print('child', child.pid, flush=True)\nwhile True: time.sleep(0.05)\n")
        stubborn.run()
        line = until("it runs", lambda: [x for x in stubborn.lines() if x["x"].startswith("child")])[0]
        pid = int(line["x"].split()[1])
        self.assertEqual(stubborn.call("POST", "/v1/stop", {"graceSeconds": 600})[0], 202)
        self.assertEqual(stubborn.call("POST", "/v1/stop", {"graceSeconds": 0.2})[0], 202)
        status = stubborn.ended()
        self.assertEqual((status["exitCode"], status["failure"]["code"]), (-9, "STOPPED"))

        def gone():
            try:
                with open("/proc/%d/stat" % pid) as source:
                    return source.read().rsplit(")", 1)[1].split()[0] == "Z"
            except OSError:
                return True
        until("the grandchild is gone", gone)

    def test_the_gpu_is_sampled_when_there_is_one(self):
        tool = self.script("#!/bin/sh\nif [ \"$1\" = -L ]; then echo 'GPU 0: NVIDIA Test'; else echo '0, NVIDIA Test, 97, 20480, 24564, 71'; fi\n", "nvidia-smi")
        agent = AgentProcess(self, HEAD + DONE, PATH=os.path.dirname(tool) + ":" + os.environ["PATH"])
        agent.run()
        samples = until("a sample", lambda: agent.status()["gpuSamples"])
        self.assertEqual(samples[0]["gpus"], [{"index": 0, "name": "NVIDIA Test", "utilizationPercent": 97, "memoryUsedMb": 20480, "memoryTotalMb": 24564, "temperatureC": 71}])
        agent.ended()
        self.assertIn("nvidia-smi: GPU 0: NVIDIA Test", [line["x"] for line in agent.lines()])


class Uploads(Case):
    def test_a_cut_upload_goes_on_where_it_stopped(self):
        agent, data = AgentProcess(self), os.urandom(1_000_000)
        digest = hashlib.sha256(data).hexdigest()
        start = ("PUT /v1/files/d.bin HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\nX-File-Size: %d\r\nX-File-Sha256: %s\r\n\r\n"
                 % (TOKEN, len(data), len(data), digest)).encode()
        with socket.create_connection(("127.0.0.1", agent.port), timeout=10) as link:
            link.sendall(start + data[:300_000])
        state = until("the cut is noticed", lambda: next((s for c, s in [agent.call("GET", "/v1/files/d.bin")] if c == 200 and s["received"]), None))
        self.assertFalse(state["complete"])
        files = os.path.join(agent.directory, "pod-pod1", "boots", agent.status()["bootId"], "files")
        while True:
            received = agent.call("GET", "/v1/files/d.bin")[1]["received"]
            end = min(received + 250_000, len(data))
            self.assertNotIn("d.bin", os.listdir(files))
            status, answer = agent.call("PUT", "/v1/files/d.bin", data[received:end], headers={
                "X-File-Size": str(len(data)), "X-File-Sha256": digest, "Content-Range": "bytes %d-%d/%d" % (received, end - 1, len(data))})
            if status == 409 and answer["error"]["code"] in ("BUSY", "WRONG_OFFSET"):
                continue  # the cut connection is still being cleared away
            self.assertIn(status, (201, 202))
            if status == 201:
                break
        with open(os.path.join(files, "d.bin"), "rb") as source:
            self.assertEqual(source.read(), data)
        self.assertEqual(os.listdir(files), ["d.bin"])
        self.assertEqual(agent.put_file("d.bin", data)[0], 200)
        self.assertEqual(agent.put_file("d.bin", b"other")[1]["error"]["code"], "FILE_DIFFERS")

    def test_wrong_uploads_leave_nothing_visible(self):
        agent = AgentProcess(self, HEAD + DONE, AGENT_MAX_UPLOAD_BYTES="1000")
        self.assertEqual(agent.put_file("a", b"abc", **{"X-File-Sha256": "0" * 64})[0], 422)
        self.assertEqual(agent.call("GET", "/v1/files/a")[0], 404)
        self.assertEqual(agent.put_file("a", b"abc", **{"X-File-Size": "5"})[1]["error"]["code"], "TOO_SHORT")
        self.assertEqual(agent.put_file("b", b"abcdef", **{"X-File-Size": "5"})[0], 413)
        self.assertEqual(agent.put_file("big", b"x" * 1001)[0], 413)
        self.assertEqual(agent.put_file("c", b"abc", **{"X-File-Size": "x"})[0], 400)
        self.assertEqual(agent.put_file("c", b"abc", **{"Content-Range": "bytes 0-1/9"})[0], 400)
        self.assertEqual(agent.put_file("c", b"c", **{"X-File-Size": "3", "Content-Range": "bytes 2-2/3"})[1]["error"]["received"], 0)
        for name in ("..", "%2e%2e%2fx", "a%2fb", "a/b", ".hidden", "%00", "a%0a", "x" * 300, ""):
            self.assertEqual(agent.put_file(name, b"abc")[0], 400, name)
        self.assertEqual(agent.put_file("a", b"abc")[0], 201)
        self.assertEqual(agent.call("PUT", "/v1/job", {"spec": {}, "files": ["a", "missing"]})[0], 201)
        self.assertEqual(agent.call("POST", "/v1/start")[1]["error"]["code"], "FILES_MISSING")
        self.assertEqual(agent.put_file("missing", b"")[0], 201)
        self.assertEqual(agent.call("POST", "/v1/start")[0], 202)
        self.assertEqual(agent.put_file("late", b"x")[1]["error"]["code"], "TOO_LATE")

    def test_a_chunked_upload_of_declared_size_is_taken(self):
        agent, data = AgentProcess(self), os.urandom(200_000)
        connection = http.client.HTTPConnection("127.0.0.1", agent.port, timeout=10)
        self.addCleanup(connection.close)
        connection.request("PUT", "/v1/files/c.bin", iter([data[:70_000], data[70_000:]]), {
            "Authorization": "Bearer " + TOKEN, "X-File-Size": str(len(data)), "X-File-Sha256": hashlib.sha256(data).hexdigest()}, encode_chunked=True)
        self.assertEqual(connection.getresponse().status, 201)

    def test_an_upload_cut_between_its_last_byte_and_its_end_can_be_sent_again_in_parts(self):
        agent, data = AgentProcess(self), os.urandom(1000)
        headers = {"X-File-Size": "1000", "X-File-Sha256": hashlib.sha256(data).hexdigest()}
        lines = "".join("%s: %s\r\n" % pair for pair in headers.items())
        with socket.create_connection(("127.0.0.1", agent.port), timeout=10) as link:
            link.sendall(("PUT /v1/files/e.bin HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n%s"
                          "Transfer-Encoding: chunked\r\n\r\n3e8\r\n" % (TOKEN, lines)).encode() + data + b"\r\n")
        def send():
            status, answer = agent.call("PUT", "/v1/files/e.bin", data, headers={**headers, "Content-Range": "bytes 0-999/1000"})
            return status if status != 409 else None  # the cut connection is still being cleared away
        self.assertEqual(until("it is taken", send), 201)


class Lines(Case):
    def test_lines_are_whole_numbered_clean_and_redacted_however_they_are_written(self):
        agent = AgentProcess(self, HEAD + DONE + r"""
w = sys.stdout.buffer
def out(b):
    w.write(b); w.flush(); time.sleep(0.03)
secret = os.environ['HF_TOKEN'].encode()
out(b'one\ntwo\r\n'); out(b'10%\r20%\r'); out(b'30%\r'); out(b'done\n')
out(b'bad \xff\xfe utf8 \xc3\xa9\n'); out(b'\n')
out(b'a' + secret[:9]); out(secret[9:] + b'b\n')
out(b'L' * (65536 - 10) + secret[:20]); out(secret[20:] + b'M' * 70000 + b'\n')
import base64, urllib.parse
out(base64.b64encode(secret) + b' ' + urllib.parse.quote(secret.decode(), safe='').encode() + b'\n')
out('\u00e9'.encode() * 40000 + b'\n')
out(b'no newline at the end')
""")
        agent.run({}, {"HF_TOKEN": SECRET})
        agent.ended()
        lines = agent.lines()
        self.assertEqual([line["n"] for line in lines], list(range(1, len(lines) + 1)))
        out = [line for line in lines if line["s"] == "stdout"]
        self.assertEqual([line["x"] for line in out[:6]], ["one", "two", "done", "bad \ufffd\ufffd utf8 \u00e9", "", "a[redacted]b"])
        long = "".join(line["x"] for line in out[6:9])
        self.assertEqual([line.get("more") for line in out[6:9]], [True, True, None])
        self.assertEqual(long, "L" * 65526 + "[redacted]" + "M" * 70000)
        self.assertEqual(out[9]["x"], "[redacted] [redacted]")
        self.assertEqual("".join(line["x"] for line in out[10:12]), "\u00e9" * 40000)
        self.assertEqual(out[12]["x"], "no newline at the end")
        self.assertTrue(all(len(line["x"].encode()) <= 65536 for line in lines))
        # On the platform's stream long lines come in parts below 8 KiB, and join to the same text.
        until("stdout has every line", lambda: [r for r in agent.records() if r.get("n") == len(lines)])
        with open(agent.stdout_path, "rb") as source:
            self.assertTrue(all(len(row) < 8192 for row in source))
        joined, parts = {}, {}
        for record in (r for r in agent.records() if "n" in r):
            joined[record["n"]] = joined.get(record["n"], "") + record["x"]
            if "p" in record:
                parts.setdefault(record["n"], []).append(record["p"])
        self.assertEqual(joined, {line["n"]: line["x"] for line in lines})
        for numbers in parts.values():
            self.assertEqual(numbers, [[i + 1, len(numbers)] for i in range(len(numbers))])

    def test_a_reader_resumes_after_any_line_and_gets_each_once(self):
        agent = AgentProcess(self, HEAD + DONE + "for i in range(500): print('line', i)\n")
        agent.run()
        status = agent.ended()
        boot, last = status["bootId"], status["lastLine"]
        for after in (0, 1, 63, 64, 65, 128, last - 1, last):
            numbers = [data["n"] for event, _, data in agent.stream("after=%d" % after) if event == "line"]
            self.assertEqual(numbers, list(range(after + 1, last + 1)))
            page = agent.call("GET", "/v1/logs?wait=0&limit=7&after=%d" % after)[1]
            self.assertEqual([line["n"] for line in page["lines"]], list(range(after + 1, min(after + 7, last) + 1)))
            self.assertEqual((page["next"], page["closed"], page["lastLine"]), (after + len(page["lines"]), True, last))
        frames = agent.stream("", {"Last-Event-ID": "%s:%d" % (boot, last - 2)})
        self.assertEqual([f[0] for f in frames], ["line", "line", "end"])
        self.assertEqual(agent.call("GET", "/v1/logs?wait=0&after=%d" % (last + 1))[1]["error"]["code"], "BEYOND_END")
        self.assertEqual(agent.call("GET", "/v1/logs?wait=0&after=0&boot=" + "0" * 16)[1]["error"]["code"], "UNKNOWN_BOOT")
        for bad in ("after=-1", "after=x", "after=1e3", "after=0&wait=0&limit=0", "after=0&wait=0&limit=99999999"):
            self.assertEqual(agent.call("GET", "/v1/logs?" + bad)[0], 400)

    def test_a_quiet_stream_beats_and_is_reopened_before_the_proxy_cuts(self):
        agent = AgentProcess(self, HEAD + WAIT, AGENT_STREAM_SECONDS="0.6", AGENT_HEARTBEAT_SECONDS="0.1")
        agent.run()
        until("it runs", lambda: [line for line in agent.lines() if line["x"] == "up"])
        frames = agent.stream()
        self.assertGreaterEqual([f[0] for f in frames].count("heartbeat"), 2)
        self.assertEqual(frames[-1][0], "reopen")
        self.assertEqual(frames[-1][2]["after"], agent.status()["lastLine"])

    def test_a_million_lines_are_kept_on_disk_not_in_memory(self):
        agent = AgentProcess(self, HEAD + DONE + "block = ''.join('this is an ordinary log line of the trainer %d\\n' % i for i in range(1000))\n"
                             "for _ in range(1000): sys.stdout.write(block)\n")
        agent.run()
        status = agent.ended(90)
        self.assertGreater(status["lastLine"], 1_000_000)
        with open("/proc/%d/status" % agent.process.pid, encoding="utf-8") as source:
            peak = int(re.search(r"VmHWM:\s+(\d+) kB", source.read())[1])
        self.assertLess(peak, 80_000)
        page = agent.call("GET", "/v1/logs?wait=0&limit=3&after=777777")[1]
        self.assertEqual([line["n"] for line in page["lines"]], [777778, 777779, 777780])
        self.assertEqual(status["droppedLines"], 0)

    def test_a_platform_stream_nobody_reads_does_not_hold_the_trainer_up(self):
        read, write = os.pipe()
        self.addCleanup(os.close, read)
        code = "import os,sys; os.dup2(%d, 1); os.execv(sys.executable, [sys.executable, %r])" % (write, os.path.join(HERE, "agent.py"))
        port = free_port()
        env = {"PATH": os.environ["PATH"], "AGENT_TOKEN_SHA256": hashlib.sha256(TOKEN.encode()).hexdigest(), "AGENT_PORT": str(port), "AGENT_HOST": "127.0.0.1",
               "AGENT_DIR": self.folder(), "AGENT_TRAINER": self.script(HEAD + DONE + "for i in range(20000): print('x' * 100)\n", "t.py")}
        process = subprocess.Popen([sys.executable, "-c", code], env=env, pass_fds=[write])
        os.close(write)
        started.append(process)
        self.addCleanup(lambda: (process.kill(), process.wait(10)))
        agent = AgentProcess.__new__(AgentProcess)
        agent.case, agent.port, agent.process = self, port, process

        def up():
            try:
                return agent.request("GET", "/health")[0] == 200
            except OSError:
                return False
        until("it listens", up)
        agent.run()
        self.assertGreater(agent.ended()["lastLine"], 20000)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Results(Case):
    def test_ranges_are_served_as_the_standard_says(self):
        agent = AgentProcess(self, HEAD + "open(os.path.join(results, 'r.bin'), 'wb').write(bytes(range(256)) * 4)\nopen(os.path.join(results, 'empty'), 'w')\n")
        agent.run()
        agent.ended()
        data = bytes(range(256)) * 4
        tag = agent.request("GET", "/v1/results/r.bin")[1]["ETag"]
        for header, first, last in (("bytes=0-0", 0, 0), ("bytes=5-9", 5, 9), ("bytes=1000-", 1000, 1023), ("bytes=-10", 1014, 1023), ("bytes=0-99999", 0, 1023), ("bytes=-5000", 0, 1023)):
            status, headers, body = agent.request("GET", "/v1/results/r.bin", headers={"Range": header, "If-Range": tag})
            self.assertEqual((status, headers["Content-Range"], body), (206, "bytes %d-%d/1024" % (first, last), data[first:last + 1]))
        for header in ("bytes=1024-", "bytes=5000-6000", "bytes=-0"):
            status, headers, _ = agent.request("GET", "/v1/results/r.bin", headers={"Range": header})
            self.assertEqual((status, headers["Content-Range"]), (416, "bytes */1024"))
        for header in ("bytes=9-5", "bytes=-", "lines=1-2", "bytes=0-1,4-5", "bytes=x"):
            self.assertEqual(agent.request("GET", "/v1/results/r.bin", headers={"Range": header})[::2], (200, data))
        self.assertEqual(agent.request("GET", "/v1/results/r.bin", headers={"Range": "bytes=0-1", "If-Range": '"old"'})[::2], (200, data))
        self.assertEqual(agent.request("GET", "/v1/results/empty")[::2], (200, b""))
        self.assertEqual(agent.request("GET", "/v1/results/empty", headers={"Range": "bytes=0-"})[0], 416)

    def test_nothing_outside_the_results_can_be_read(self):
        agent = AgentProcess(self, HEAD + DONE + "os.symlink('/etc/passwd', os.path.join(results, 'link')); os.symlink('/etc', os.path.join(results, 'dir'))\n"
                             "os.mkdir(os.path.join(results, 'sub')); os.mkfifo(os.path.join(results, 'sub', 'pipe')); open(os.path.join(results, 'sub', 'ok ü.txt'), 'w').write('hi')\n")
        agent.run()
        agent.ended()
        self.assertEqual([f["path"] for f in agent.call("GET", "/v1/results")[1]["files"]], ["adapter_config.json", "sub/ok ü.txt"])
        self.assertEqual(agent.request("GET", "/v1/results/sub/ok%20%C3%BC.txt")[::2], (200, b"hi"))
        for path in ("link", "dir/passwd", "sub/pipe", "sub", "../state.json", "..%2fstate.json", "%2e%2e/lines.jsonl", "/etc/passwd", "%2fetc%2fpasswd", "sub//ok",
                     "sub/../adapter_config.json", "a%00b", "..%5cx", "", "x" * 3000):
            self.assertEqual(agent.request("GET", "/v1/results/" + path)[0], 404, path)

    def test_a_checkpoint_of_an_earlier_attempt_is_gone_on_from_or_refused(self):
        spec = {"backend": "toy", "baseModel": "tiny/one", "dataset": {"file": "t.jsonl"}, "maxSteps": 60, "checkpointSteps": 25}
        rows = {"t.jsonl": jsonl(sample_rows())}
        first = AgentProcess(self)
        first.run(spec, None, rows)
        self.assertEqual(first.ended()["startStep"], 0)
        self.assertEqual(first.status()["checkpointStep"], 60)
        adapter = first.request("GET", "/v1/results/adapter_model.safetensors")[2]
        parts = {f["path"][len("checkpoints/checkpoint-50/"):]: first.request("GET", "/v1/results/" + f["path"])[2]
                 for f in first.call("GET", "/v1/results")[1]["files"] if f["path"].startswith("checkpoints/checkpoint-50/")}
        self.assertEqual(sorted(parts), ["COMPLETE", "adapter_config.json", "adapter_model.safetensors", "optimizer.f64", "trainer_state.json"])
        for damage, start in ((b"", 50), (b"x", 0)):
            with self.subTest(damage=damage):
                second = AgentProcess(self)
                files = {**rows, **{"c.%d" % i: data + (damage if path == "optimizer.f64" else b"") for i, (path, data) in enumerate(parts.items())}}
                second.run(spec, None, files, {"step": 50, "files": {path: "c.%d" % i for i, path in enumerate(parts)}})
                status = second.ended()
                self.assertEqual((status["phase"], status["startStep"], status["step"]), ("SUCCEEDED", start, 60))
                self.assertEqual(second.request("GET", "/v1/results/adapter_model.safetensors")[2], adapter)

    def test_a_checkpoint_that_is_not_whole_or_leaves_its_folder_is_refused(self):
        agent = AgentProcess(self)
        for checkpoint in (1, {}, {"step": 1, "files": {}}, {"step": 1, "files": {"a": "c"}}, {"step": -1, "files": {"COMPLETE": "c"}},
                           {"step": 1, "files": {"COMPLETE": "other"}}, {"step": 1, "files": {"COMPLETE": "c", "a": "c"}}, {"step": True, "files": {"COMPLETE": "c"}},
                           {"step": 1, "files": {"COMPLETE": "c", "../a": "d"}}, {"step": 1, "files": {"COMPLETE": "c", "/a": "d"}}):
            code, answer = agent.call("PUT", "/v1/job", {"spec": {}, "files": ["c", "d"], "checkpoint": checkpoint})
            self.assertEqual((code, answer.get("error", {}).get("code")), (400, "BAD_JOB"), checkpoint)

    def test_a_list_or_a_read_holds_one_checkpoint_for_its_reader(self):
        agent = AgentProcess(self, HEAD + DONE + "for n in (10, 20):\n"
                             "    d = os.path.join(checkpoints, 'checkpoint-%d' % n); os.mkdir(d); open(os.path.join(d, 'COMPLETE'), 'w').write('{}')\n" + WAIT)
        agent.run()
        until("it runs", lambda: [line for line in agent.lines() if line["x"] == "up"])
        boot = agent.status()["bootId"]

        def folder(boot_id):
            return os.path.join(agent.directory, "pod-pod1", "boots", boot_id, "results", "checkpoints")

        def held():
            with open(os.path.join(folder(boot), "HELD"), encoding="utf-8") as source:
                return source.read()

        self.assertNotIn("HELD", os.listdir(folder(boot)))
        for path, name in (("", 20), ("?hold=10", 10), ("?hold=15", 20), ("/checkpoints/checkpoint-10/COMPLETE", 10)):
            status, _, body = agent.request("GET", "/v1/results" + path)
            self.assertEqual((status, held()), (200, "checkpoint-%d" % name), path)
            self.assertNotIn(b"HELD", body)
        self.assertEqual(agent.request("GET", "/v1/results/checkpoints/HELD")[0], 404)
        self.assertEqual(agent.request("GET", "/v1/results?hold=x")[0], 400)
        agent.kill()
        again = AgentProcess(self, directory=agent.directory)
        self.assertEqual(again.request("GET", "/v1/results?boot=" + boot)[0], 200)
        self.assertEqual(os.listdir(folder(again.status()["bootId"])), [])

    def test_while_it_trains_only_complete_checkpoints_are_shown(self):
        agent = AgentProcess(self, HEAD + DONE + "for n, done in ((10, True), (20, False)):\n"
                             "    d = os.path.join(checkpoints, 'checkpoint-%d' % n); os.mkdir(d); open(os.path.join(d, 'w.safetensors'), 'w').write('w')\n"
                             "    if done: open(os.path.join(d, 'COMPLETE'), 'w').write('{}')\n" + WAIT)
        agent.run()
        until("it runs", lambda: [line for line in agent.lines() if line["x"] == "up"])
        manifest = agent.call("GET", "/v1/results")[1]
        self.assertFalse(manifest["final"])
        self.assertEqual([f["path"] for f in manifest["files"]], ["checkpoints/checkpoint-10/COMPLETE", "checkpoints/checkpoint-10/w.safetensors"])
        self.assertEqual(agent.request("GET", "/v1/results/adapter_config.json")[0], 404)
        self.assertEqual(agent.request("GET", "/v1/results/checkpoints/checkpoint-20/w.safetensors")[0], 404)
        agent.call("POST", "/v1/stop")
        agent.ended()
        self.assertIn("adapter_config.json", [f["path"] for f in agent.call("GET", "/v1/results")[1]["files"]])


class Ends(Case):
    def ended_by(self, agent):
        return until("an answer to the end", lambda: (agent.status()["ending"] or {}).get("tries") and agent.status()["ending"])

    def test_a_release_ends_the_pod_through_rest_with_the_pods_own_key(self):
        platform = Platform(self)
        agent = AgentProcess(self, HEAD + DONE, **platform.env)
        agent.run()
        agent.ended()
        self.assertEqual(agent.call("POST", "/v1/release")[0], 202)
        self.assertEqual(agent.call("POST", "/v1/release")[0], 202)
        ending = self.ended_by(agent)
        self.assertEqual((ending["reason"], ending["acceptedBy"], ending["refused"]), ("RELEASED", "rest", False))
        self.assertEqual(platform.seen[0][:3], ("DELETE", "/v2/pods/pod1", "Bearer rpa_own_key_12345"))
        self.assertEqual(agent.call("PUT", "/v1/job", {"spec": {"x": 1}})[0], 409)

    def test_a_release_stops_a_running_trainer_first(self):
        platform = Platform(self)
        agent = AgentProcess(self, HEAD + WAIT, **platform.env)
        agent.run()
        until("it runs", lambda: [line for line in agent.lines() if line["x"] == "up"])
        agent.call("POST", "/v1/release")
        until("the pod ends", lambda: platform.seen)
        self.assertEqual(agent.status()["failure"]["code"], "STOPPED")

    def test_refused_by_rest_it_takes_the_next_way(self):
        for script, graphql, accepted in (("#!/bin/sh\necho \"$@\" > \"$(dirname \"$0\")/said\"\n", None, "runpodctl"), ("#!/bin/sh\necho no; exit 1\n", None, "graphql")):
            platform = Platform(self, rest=403, graphql=graphql)
            tool = self.script(script, "runpodctl")
            agent = AgentProcess(self, PATH=os.path.dirname(tool) + ":" + os.environ["PATH"], **platform.env)
            agent.call("POST", "/v1/release")
            ending = self.ended_by(agent)
            self.assertEqual(ending["acceptedBy"], accepted)
            if accepted == "runpodctl":
                with open(os.path.join(os.path.dirname(tool), "said"), encoding="utf-8") as source:
                    self.assertEqual(source.read(), "remove pod pod1\n")
            else:
                sent = json.loads(next(s for s in platform.seen if s[1] == "/graphql")[3])
                self.assertEqual(sent["variables"], {"id": "pod1"})
                self.assertIn("podTerminate", sent["query"])
            agent.kill()

    def test_refused_everywhere_it_says_so_idles_and_tries_again(self):
        platform = Platform(self, rest=302, graphql={"errors": [{"message": "not for rpa_own_key_12345"}]})
        agent = AgentProcess(self, **platform.env)
        agent.call("POST", "/v1/release")
        ending = until("two tries", lambda: agent.status()["ending"]["tries"] >= 2 and agent.status()["ending"])
        self.assertEqual((ending["refused"], ending["acceptedBy"]), (True, None))
        self.assertEqual([e["way"] for e in ending["errors"]], ["rest", "runpodctl", "graphql"])
        self.assertNotIn("rpa_own_key", json.dumps(ending))
        self.assertNotIn("/elsewhere", [s[1] for s in platform.seen])  # the key follows no redirect
        platform.rest = 204
        until("accepted at last", lambda: agent.status()["ending"]["acceptedBy"] == "rest")
        self.assertIsNone(agent.process.poll())

    def test_without_a_job_it_ends_after_the_upload_grace(self):
        platform = Platform(self)
        agent = AgentProcess(self, AGENT_UPLOAD_GRACE_SECONDS="0.5", **platform.env)
        self.assertEqual(self.ended_by(agent)["reason"], "NO_JOB")

    def test_with_results_nobody_fetches_it_ends_after_the_result_grace(self):
        platform = Platform(self)
        agent = AgentProcess(self, HEAD + DONE, AGENT_RESULT_GRACE_SECONDS="1", **platform.env)
        agent.run()
        ended = agent.ended()["endedAt"]
        began = time.monotonic()
        while time.monotonic() - began < 1.5:
            agent.request("GET", "/v1/results/adapter_config.json")
        ending = self.ended_by(agent)
        self.assertEqual(ending["reason"], "RESULTS_NOT_FETCHED")
        self.assertGreaterEqual(ending["since"] - ended, 2000)

    def test_the_owners_absence_never_ends_a_training_pod_but_its_maximum_runtime_does(self):
        platform = Platform(self)
        agent = AgentProcess(self, HEAD + WAIT, AGENT_UPLOAD_GRACE_SECONDS="0.3", AGENT_RESULT_GRACE_SECONDS="60", AGENT_MAX_RUNTIME_SECONDS="3", **platform.env)
        agent.run()
        until("the pod ends", lambda: platform.seen)
        status = agent.status()
        self.assertEqual((status["ending"]["reason"], status["failure"]["code"]), ("RUNTIME_LIMIT", "RUNTIME_LIMIT"))
        self.assertGreaterEqual(status["ending"]["since"] - status["bootedAt"], 3000)

    def test_a_signal_to_the_container_lets_the_trainer_finish_its_checkpoint(self):
        agent = AgentProcess(self, HEAD + "signal.signal(signal.SIGTERM, lambda *_: (open(os.path.join(results, 'saved'), 'w').close(), sys.exit(20)))\nprint('up', flush=True)\nwhile True: time.sleep(0.05)\n")
        agent.run()
        until("it runs", lambda: [line for line in agent.lines() if line["x"] == "up"])
        boot = agent.status()["bootId"]
        agent.process.send_signal(signal.SIGTERM)
        self.assertEqual(agent.process.wait(20), 0)
        self.assertTrue(os.path.exists(os.path.join(agent.directory, "pod-pod1", "boots", boot, "results", "saved")))
        self.assertTrue(any("trainer ended: STOPPED" in r.get("x", "") for r in agent.records()))


class Restarts(Case):
    def test_after_a_crash_it_trains_nothing_by_itself_and_says_so(self):
        first = AgentProcess(self, HEAD + WAIT)
        first.run({}, {"HF_TOKEN": SECRET}, {"f": b"x"})
        until("it runs", lambda: [line for line in first.lines() if line["x"] == "up"])
        before, lines = first.status(), first.lines()
        first.kill()
        path = os.path.join(first.directory, "pod-pod1", "boots", before["bootId"], "lines.jsonl")
        with open(path, "ab") as out:
            out.write(b'{"n":99,"t":1,"s":"stdout","x":"tor')
        second = AgentProcess(self, HEAD + WAIT, directory=first.directory)
        status = second.status()
        self.assertNotEqual(status["bootId"], before["bootId"])
        self.assertEqual((status["phase"], status["restarted"], status["hasJob"], status["files"]), ("WAITING", True, False, []))
        self.assertEqual((status["previousBoot"]["bootId"], status["previousBoot"]["phase"], status["previousBoot"]["lastLine"]), (before["bootId"], "RUNNING", before["lastLine"]))
        self.assertEqual(second.lines(before["bootId"]), lines)
        self.assertEqual(second.stream("after=0&boot=" + before["bootId"])[-1][0], "end")
        self.assertEqual(children_of(second.process.pid), [])
        other = AgentProcess(self, directory=first.directory, RUNPOD_POD_ID="pod2")  # the same network volume
        self.assertFalse(other.status()["restarted"])

    def test_results_of_the_boot_before_can_still_be_fetched(self):
        first = AgentProcess(self, HEAD + DONE)
        first.run()
        boot = first.ended()["bootId"]
        first.kill()
        second = AgentProcess(self, directory=first.directory, AGENT_UPLOAD_GRACE_SECONDS="0.1")
        self.assertEqual(second.status()["previousBoot"]["phase"], "SUCCEEDED")
        self.assertEqual([f["path"] for f in second.call("GET", "/v1/results?boot=" + boot)[1]["files"]], ["adapter_config.json"])
        self.assertEqual(second.request("GET", "/v1/results/adapter_config.json?boot=" + boot)[::2], (200, b"{}"))
        self.assertEqual(second.call("GET", "/v1/results")[1]["files"], [])
        self.assertIsNone(second.status()["ending"])

    def test_an_end_once_decided_outlives_a_restart_and_so_does_the_runtime_limit(self):
        platform = Platform(self, rest=403, graphql=500)
        first = AgentProcess(self, **platform.env)
        first.call("POST", "/v1/release")
        until("refused", lambda: first.status()["ending"]["refused"])
        first.kill()
        platform.rest = 204
        second = AgentProcess(self, directory=first.directory, **platform.env)
        until("accepted", lambda: (second.status()["ending"] or {}).get("acceptedBy") == "rest")
        self.assertEqual(second.status()["ending"]["reason"], "RELEASED")
        third = AgentProcess(self, AGENT_MAX_RUNTIME_SECONDS="600", **platform.env)
        third.kill()
        note = os.path.join(third.directory, "pod-pod1", "agent.json")
        with open(note, encoding="utf-8") as source:
            known = json.load(source)
        with open(note, "w", encoding="utf-8") as out:
            json.dump({**known, "firstBootAt": known["firstBootAt"] - 601_000}, out)
        fourth = AgentProcess(self, directory=third.directory, AGENT_MAX_RUNTIME_SECONDS="600", **platform.env)
        until("the limit counts from the first boot", lambda: (fourth.status()["ending"] or {}).get("reason") == "RUNTIME_LIMIT")


class Payload(Case):
    def test_the_documented_bootstrap_starts_the_agent_from_a_small_payload(self):
        with open(os.path.join(HERE, "PROTOCOL.md"), encoding="utf-8") as source:
            bootstrap = re.search(r"```python\n(.*?)\n```", source.read(), re.S)[1]
        self.assertNotIn("\n", bootstrap)
        texts = {}
        for name in ("agent.py", "trainer.py", "trainer_base.py", "trainer_checkpoints.py", "trainer_data.py", "trainer_toy.py"):
            with open(os.path.join(HERE, name), encoding="utf-8") as source:
                texts[name] = source.read()
        payload = base64.b64encode(zlib.compress(json.dumps(texts).encode(), 9)).decode()
        self.assertLess(len(payload), 50_000)
        home = self.folder()
        agent = AgentProcess(self, command=[sys.executable, "-c", bootstrap, payload], TMPDIR=home)
        agent.run({"backend": "toy", "baseModel": "a/b", "dataset": {"file": "t.jsonl"}, "maxSteps": 3}, files={"t.jsonl": jsonl(sample_rows(4))})
        self.assertEqual(agent.ended()["phase"], "SUCCEEDED")


if __name__ == "__main__":
    unittest.main()
