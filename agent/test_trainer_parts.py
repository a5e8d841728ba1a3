"""The trainer's parts that need no library: rows, checkpoints, watchdogs, divergence, second tries."""
import errno
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest
from types import SimpleNamespace
from unittest import mock

from support_for_tests import HERE, Case, started, until

sys.path.insert(0, HERE)
import trainer_hf  # noqa: E402
import trainer_launch  # noqa: E402
from trainer_base import CODES, Failure  # noqa: E402
from trainer_checkpoints import HELD, HOLD_SECONDS, held, make_room, newest_first, prune, seal, sound  # noqa: E402
from trainer_data import checked, read_row  # noqa: E402
from trainer_divergence import Divergence  # noqa: E402
from trainer_fetch import ask, fetch_url, kind_of  # noqa: E402


class Rows(unittest.TestCase):
    def test_every_shape_has_one_of_three_forms(self):
        self.assertEqual(read_row({"text": "a", "other": 1}), {"text": "a"})
        self.assertEqual(read_row({"messages": [{"role": "user", "content": "a", "more": 1}]}), {"messages": [{"role": "user", "content": "a"}]})
        self.assertEqual(read_row({"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]}),
                         {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]})
        self.assertEqual(read_row({"prompt": "a", "completion": "b"}), {"prompt": "a", "completion": "b"})
        with_input, without = read_row({"instruction": "i", "input": "x", "output": "o"}), read_row({"instruction": "i", "input": "", "output": "o"})
        self.assertIn("### Input:\nx\n", with_input["prompt"])
        self.assertNotIn("Input", without["prompt"])
        self.assertTrue(without["prompt"].endswith("### Response:\n"))
        self.assertEqual(without["completion"], "o")

    def test_rows_are_of_one_shape(self):
        rows = [{"text": "a"}, {"prompt": "b", "completion": "c"}, {"text": "d"}]
        with self.assertRaises(Failure) as caught:
            list(checked(enumerate(rows, 1)))
        self.assertEqual(caught.exception.message, "row 2 has `prompt` and `completion`, but row 1 has `text`: all rows must be of one shape")

    def test_a_test_of_ones_own_refuses_by_row(self):
        def no_b(row):
            if row["text"] == "b":
                raise ValueError("is a b")
        with self.assertRaises(Failure) as caught:
            list(checked(enumerate([{"text": t} for t in "abab"], 1), no_b))
        self.assertEqual(caught.exception.message, "row 2 is a b; row 4 is a b")


class CheckpointCase(Case):
    def made(self, top, step, size=100):
        part = os.path.join(top, "unfinished")
        os.makedirs(os.path.join(part, "inner"))
        for name in ("a.bin", "inner/b.bin"):
            with open(os.path.join(part, name), "wb") as out:
                out.write(bytes(size // 2))
        seal(part, top, step, 100)


class Checkpoints(CheckpointCase):
    def test_the_budget_is_of_number_and_of_bytes_and_the_newest_always_stays(self):
        top = self.folder()
        for step in (10, 20, 30):
            self.made(top, step, 10_000)
        sound(newest_first(top)[0][1])
        prune(top, 5, 25_000)
        self.assertEqual([step for step, _ in newest_first(top)], [30, 20])
        prune(top, 1, 10)
        self.assertEqual([step for step, _ in newest_first(top)], [30])

    def hold(self, top, step, age=0):
        mark = os.path.join(top, HELD)
        with open(mark, "w") as out:
            out.write("checkpoint-%d" % step)
        os.utime(mark, (time.time() - age,) * 2)

    def test_one_that_is_being_fetched_stays_beyond_the_budget_and_no_other(self):
        for keep, most_bytes in ((1, None), (9, 10)):
            with self.subTest(keep=keep):
                top = self.folder()
                for step in (10, 20, 30, 40):
                    self.made(top, step)
                self.hold(top, 20)
                prune(top, keep, most_bytes)
                self.assertEqual([step for step, _ in newest_first(top)], [40, 20])
                self.hold(top, 40)
                prune(top, keep, most_bytes)
                self.assertEqual([step for step, _ in newest_first(top)], [40])

    def test_a_mark_that_is_old_or_of_another_time_or_no_mark_holds_nothing(self):
        top = self.folder()
        for age in (HOLD_SECONDS + 5, -HOLD_SECONDS - 5):
            self.made(top, 10)
            self.made(top, 20)
            self.hold(top, 10, age)
            prune(top, 1)
            self.assertEqual([step for step, _ in newest_first(top)], [20])
        self.hold(top, 10)
        self.assertEqual(held(top), os.path.join(top, "checkpoint-10"))
        prune(top, 1)
        self.assertEqual([step for step, _ in newest_first(top)], [20])
        with open(os.path.join(top, HELD), "wb") as out:
            out.write(b"\xff")
        self.assertIsNone(held(top))

    def test_a_disk_without_room_takes_the_one_that_is_being_fetched_too_and_says_so(self):
        top = self.folder()
        for step in (10, 20, 30):
            self.made(top, step)
        self.hold(top, 20)
        with mock.patch("trainer_checkpoints.say") as say:
            make_room(top)
        self.assertEqual([step for step, _ in newest_first(top)], [30])
        say.assert_called_once_with("checkpoint-20 goes before it has been fetched")

    def test_a_changed_or_missing_file_is_not_sound(self):
        top = self.folder()
        self.made(top, 7)
        _, path = newest_first(top)[0]
        with open(path + "/inner/b.bin", "ab") as out:
            out.write(b"x")
        with self.assertRaises(ValueError):
            sound(path)
        os.unlink(path + "/inner/b.bin")
        with self.assertRaises(OSError):
            sound(path)


class Room(CheckpointCase):
    """`free`: what the disk says in turn."""

    def keep(self, *free):
        top = self.folder()
        for step in (10, 20):
            self.made(top, step)
        weights = SimpleNamespace(parameters=lambda: [SimpleNamespace(numel=lambda: 1_000_000, requires_grad=True),
                                                      SimpleNamespace(numel=lambda: 10 ** 12, requires_grad=False)])
        with mock.patch("shutil.disk_usage", side_effect=[SimpleNamespace(free=n) for n in free]):
            try:
                trainer_hf.keep_room({"checkpoints": top}, weights)
            except Failure as failure:
                self.assertEqual(failure.code, "DISK_FULL")
                self.assertIn("needs 0.1 GB", failure.message)
                return "full", len(newest_first(top))
        return "room", len(newest_first(top))

    def test_older_checkpoints_go_before_the_run_does(self):
        self.assertEqual(self.keep(10 ** 9), ("room", 2))
        self.assertEqual(self.keep(10 ** 6, 10 ** 9), ("room", 1))
        self.assertEqual(self.keep(10 ** 6, 10 ** 6, 10 ** 6), ("full", 1))


class Words(unittest.TestCase):
    def test_what_libraries_say_is_typed(self):
        for error, code in ((RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"), "OUT_OF_MEMORY"), (MemoryError(), "OUT_OF_MEMORY"),
                            (RuntimeError("[enforce fail at alloc_cpu.cpp:118] DefaultCPUAllocator: can't allocate memory"), "OUT_OF_MEMORY"),
                            (OSError(28, "No space left on device"), "DISK_FULL"), (RuntimeError("Error: I/O error: No space left on device (os error 28)"), "DISK_FULL"),
                            (RuntimeError("CUDA error: no kernel image is available for execution on the device"), "CUDA_MISMATCH"),
                            (Failure("MODEL_GATED", "out of memory"), "MODEL_GATED")):
            self.assertEqual(trainer_hf.typed(error, True).code, code)
        other = ValueError("a bug")
        self.assertIs(trainer_hf.typed(other, True), other)
        self.assertTrue(trainer_hf.typed(MemoryError(), True).halvable)
        self.assertFalse(trainer_hf.typed(MemoryError(), False).halvable)


class Divergences(unittest.TestCase):
    def look(self, *points, policy="STOP", precision="bf16"):
        """→ the step at which it stopped, or None"""
        watch = Divergence(policy, precision)
        try:
            for step, point in enumerate(points, 1):
                watch.look(step, *point)
        except Failure as failure:
            self.assertEqual(failure.code, "TRAINING_DIVERGED")
            return step
        return None

    def test_each_sign_and_what_is_none(self):
        calm, nan, inf = (2.0, 1.0), float("nan"), float("inf")
        self.assertIsNone(self.look(*[calm] * 20))
        self.assertEqual(self.look(calm, (nan, 1.0)), 2)
        self.assertEqual(self.look(calm, (2.0, inf)), 2)
        self.assertIsNone(self.look((2.0, inf), (2.0, nan), calm, precision="fp16"))
        self.assertEqual(self.look(calm, (2.0, 10.1)), 2)
        self.assertEqual(self.look(*[(1.0, 1.0)] * 5, (2.0, 1.0)), 6)
        self.assertIsNone(self.look(*[(0.01, 1.0)] * 5, (0.03, 1.0)))
        self.assertEqual(self.look(*[(1.0, 1.0)] * 5, (1.0, 5.1)), 6)
        self.assertIsNone(self.look(calm, (nan, inf), policy="CONTINUE"))
        self.assertIsNone(self.look(calm, (nan, inf), policy="WARN"))


class SecondTries(unittest.TestCase):
    def remedy(self, code, tried=(), halvable=True, **spec):
        made = trainer_launch.remedy_of((code, "why", halvable), spec, dict.fromkeys(tried, "1"))
        return made and made[0]

    def test_each_remedy_is_tried_once_and_only_where_it_may_help(self):
        self.assertEqual(self.remedy("DOWNLOAD_FAILED"), "HF_HUB_DISABLE_XET")
        self.assertIsNone(self.remedy("DOWNLOAD_FAILED", ["HF_HUB_DISABLE_XET"]))
        self.assertEqual(self.remedy("OUT_OF_MEMORY", ["HF_HUB_DISABLE_XET"]), "TRAINER_HALVED")
        self.assertIsNone(self.remedy("OUT_OF_MEMORY", ["TRAINER_HALVED"]))
        self.assertIsNone(self.remedy("OUT_OF_MEMORY", halvable=False))
        self.assertIsNone(self.remedy("OUT_OF_MEMORY", retryOutOfMemory=False))
        self.assertIsNone(self.remedy("MODEL_GATED"))
        self.assertIsNone(trainer_launch.remedy_of(None, {}, {}))


class Urls(Case):
    def test_only_public_https_is_asked(self):
        for url in ("http://example.com/x", "file:///etc/passwd", "https://u:p@example.com/x", "https:///x", "https://127.0.0.1/x", "https://[::1]/x",
                    "https://10.0.0.1/x", "https://169.254.169.254/x", "https://[::ffff:10.0.0.1]/x", "https://localhost/x"):
            with self.assertRaises(Failure, msg=url) as caught:
                ask(url, 1)
            self.assertEqual(caught.exception.code, "DATASET_INVALID")

    def asked(self, url):
        """→ the request line and the headers by name, as a server of this machine gets them"""
        with socket.create_server(("127.0.0.1", 0)) as server:
            port, got = server.getsockname()[1], []

            def answer():
                peer, _ = server.accept()
                with peer:
                    got.append(peer.recv(65536).decode())
                    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            thread = threading.Thread(target=answer, daemon=True)
            thread.start()
            connect = socket.create_connection
            with mock.patch.dict(os.environ, TRAINER_ALLOW_PRIVATE_URLS="1"), \
                    mock.patch("socket.create_connection", lambda _, **more: connect(("127.0.0.1", port), **more)):
                ask(url, 10)[0].close()
            thread.join(10)
        line, *headers = got[0].split("\r\n")
        return line, dict(header.split(": ", 1) for header in headers if header)

    def test_a_host_is_named_as_whoever_signed_the_url_did(self):
        self.assertEqual(self.asked("http://localhost/a?X-Signature=a%2Fb&c=d+e")[1]["Host"], "localhost")
        self.assertEqual(self.asked("http://localhost:8080/a")[1]["Host"], "localhost:8080")
        with mock.patch("ssl.create_default_context") as context:
            context.return_value.wrap_socket = lambda sock, **_: sock
            self.assertEqual(self.asked("https://localhost/a")[1]["Host"], "localhost")
            self.assertEqual(self.asked("https://localhost:444/a")[1]["Host"], "localhost:444")

    def test_an_address_goes_out_as_it_is_but_for_what_no_request_can_have(self):
        self.assertEqual(self.asked("http://localhost/a%20b;c/d?e=f%2Fg&h=i+j~")[0], "GET /a%20b;c/d?e=f%2Fg&h=i+j~ HTTP/1.1")
        self.assertEqual(self.asked("http://localhost/a b?c=\u00e9")[0], "GET /a%20b?c=%C3%A9 HTTP/1.1")

    def test_no_address_is_the_datasets_fault_and_a_full_disk_the_disks(self):
        fetch = fetch_url(SimpleNamespace(download=lambda _: None, prepare=lambda: None))
        for url in ("https://example.com:port/x.csv", "https://[x/x.csv", "https://%s.com/x.csv" % ("a" * 70)):
            with self.assertRaises(Failure, msg=url) as caught:
                fetch(url, "/nowhere")
            self.assertEqual(caught.exception.code, "DATASET_INVALID")
        with mock.patch("trainer_fetch.ask", side_effect=OSError(errno.ENOSPC, "No space left on device")), self.assertRaises(OSError):
            fetch("https://example.com/x.csv", "/nowhere")

    def test_workers_that_fetch_the_same_do_not_take_it_from_each_other(self):
        folder, fetch = self.folder(), fetch_url(SimpleNamespace(download=lambda _: None, prepare=lambda: None))

        def answer_of(*blocks):
            left = iter(blocks)
            return SimpleNamespace(close=lambda: None), SimpleNamespace(
                status=200, length=0, getheader=lambda _: None, read1=lambda _: next(left, lambda: b"")())

        def while_another_fetches():
            with mock.patch("trainer_fetch.RANK", 1):
                paths.append(fetch("https://example.com/x.jsonl", folder))
            return b"b"
        paths = []
        with mock.patch("trainer_fetch.ask", side_effect=[answer_of(lambda: b"a", while_another_fetches), answer_of(lambda: b"ab")]):
            paths.append(fetch("https://example.com/x.jsonl", folder))
        for path in paths:
            with open(path, "rb") as source:
                self.assertEqual(source.read(), b"ab", path)

    def test_the_format_is_that_of_the_name_or_of_the_content(self):
        self.assertEqual(kind_of("https://x/a.jsonl?b=c.csv", "text/plain"), "jsonl")
        self.assertEqual(kind_of("https://x/download", "text/csv; charset=utf-8"), "csv")
        with self.assertRaises(Failure):
            kind_of("https://x/download", "text/html")


class Watching(Case):
    """The watchdog in a process of its own, with a backend that hangs."""

    def worker(self, body, **env):
        word = os.path.join(self.folder(), "word")
        script = self.script("import sys, time\nsys.path.insert(0, %r)\nfrom trainer_watch import Watch\n"
                             "with Watch(%r) as watch:\n    print('ready', flush=True)\n    %s\n" % (HERE, word, body), "worker.py")
        process = subprocess.Popen([sys.executable, script], env={"PATH": os.environ["PATH"], **env}, stdout=subprocess.PIPE)
        started.append(process)
        self.addCleanup(lambda: (process.kill(), process.wait(10), process.stdout.close()))
        process.stdout.readline()
        return process, word

    def said(self, word):
        with open(word, encoding="utf-8") as source:
            return json.load(source)["code"]

    def test_no_step_for_too_long(self):
        process, word = self.worker("watch.train(); [watch.step() or time.sleep(0.3) for _ in range(8)]; time.sleep(60)", TRAINER_STEP_STALL_SECONDS="1")
        self.assertEqual((process.wait(20), self.said(word)), (CODES["TRAINING_STALLED"], "TRAINING_STALLED"))

    def test_not_a_byte_for_too_long(self):
        process, word = self.worker("watch.download(lambda: 5); time.sleep(60)", TRAINER_DOWNLOAD_STALL_SECONDS="1")
        self.assertEqual((process.wait(20), self.said(word)), (CODES["DOWNLOAD_FAILED"], "DOWNLOAD_FAILED"))

    def test_a_file_that_goes_while_it_is_measured_does_not_end_the_watch(self):
        process, word = self.worker("watch.download(lambda: __import__('os').stat('/nowhere')); time.sleep(60)", TRAINER_DOWNLOAD_STALL_SECONDS="1")
        self.assertEqual((process.wait(20), self.said(word)), (CODES["DOWNLOAD_FAILED"], "DOWNLOAD_FAILED"))

    def test_a_last_word_that_finds_no_room_still_ends_the_worker(self):
        process, _ = self.worker("__import__('os').mkdir(watch._word + '.part'); watch.train(); time.sleep(60)", TRAINER_STEP_STALL_SECONDS="1")
        self.assertEqual(process.wait(20), CODES["TRAINING_STALLED"])

    def test_a_download_that_moves_goes_on(self):
        process, _ = self.worker("watch.download(time.monotonic_ns); time.sleep(4)", TRAINER_DOWNLOAD_STALL_SECONDS="1")
        self.assertEqual(process.wait(20), 0)

    def test_sigterm_before_the_first_step_ends_it_at_once(self):
        process, word = self.worker("time.sleep(60)")
        process.send_signal(signal.SIGTERM)
        self.assertEqual((process.wait(20), self.said(word)), (CODES["STOPPED"], "STOPPED"))


class Launching(Case):
    """The launcher with workers that only pretend."""

    def launch(self, body, spec=None, **env):
        """`body` is a worker's; → (exit code of the whole, lines)"""
        worker = self.script("import json, os, sys, time\n"
                             "def end(code, number, **more):\n"
                             "    json.dump({'code': code, 'message': 'm', 'halvable': True, **more}, open(os.environ['TRAINER_WORD'], 'w'))\n"
                             "    sys.exit(number)\n%s\n" % body, "worker.py")
        code = ("import sys, signal\nsys.path.insert(0, %r)\nfrom trainer import last_word, stop_wanted\nfrom trainer_launch import launch\n"
                "signal.signal(signal.SIGTERM, lambda *_: stop_wanted.append(True))\n"
                "word = launch([%r], %r)\nsys.exit(last_word(*word) if word else 0)\n" % (HERE, worker, spec or {}))
        process = subprocess.Popen([sys.executable, "-c", code], env={"PATH": os.environ["PATH"], **env}, stdout=subprocess.PIPE)
        started.append(process)
        self.addCleanup(lambda: (process.kill(), process.wait(10), process.stdout.close()))
        return process

    def ended(self, process):
        out, _ = process.communicate(timeout=40)
        return process.returncode, out.decode().splitlines()

    def test_the_second_try_has_its_remedy_in_its_environment(self):
        code, lines = self.ended(self.launch("if not os.environ.get('TRAINER_HALVED'): end('OUT_OF_MEMORY', 13)\nprint('ok')"))
        self.assertEqual((code, lines[-1]), (0, "ok"))
        self.assertIn("half the batch", lines[0])

    def test_a_worker_that_fails_ends_the_others_and_has_the_last_word(self):
        code, lines = self.ended(self.launch("end('DISK_FULL', 14) if os.environ['RANK'] == '1' else time.sleep(60)", TRAINER_PROCESSES="3"))
        self.assertEqual(code, 14)
        self.assertEqual(json.loads(lines[-1][9:]), {"code": "DISK_FULL", "message": "m"})

    def test_a_worker_that_left_no_word_is_told_by_its_exit_code(self):
        code, lines = self.ended(self.launch("sys.exit(3)"))
        self.assertEqual((code, json.loads(lines[-1][9:])["code"]), (1, "TRAINER_CRASHED"))

    def test_a_worker_that_was_killed_is_seen_as_killed(self):
        process = self.launch("import signal\nos.kill(os.getpid(), signal.SIGKILL)")
        self.assertEqual(self.ended(process)[0], -signal.SIGKILL)

    def test_sigterm_reaches_every_worker(self):
        process = self.launch("import signal\nsignal.signal(signal.SIGTERM, lambda *_: end('STOPPED', 20))\nsys.stdout.write('up\\n')\ntime.sleep(60)",
                              TRAINER_PROCESSES="2")
        self.assertEqual([process.stdout.readline() for _ in range(2)], [b"up\n", b"up\n"])
        process.send_signal(signal.SIGTERM)
        code, lines = self.ended(process)
        self.assertEqual((code, json.loads(lines[-1][9:])["code"]), (20, "STOPPED"))


if __name__ == "__main__":
    unittest.main()
