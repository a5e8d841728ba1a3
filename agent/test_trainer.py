"""The toy trainer as a process, and its mathematics."""
import hashlib
import json
import os
import resource
import shutil
import signal
import struct
import subprocess
import sys
import unittest

from support_for_tests import HERE, Case, jsonl, sample_rows, started

sys.path.insert(0, HERE)
import trainer_base  # noqa: E402
import trainer_toy  # noqa: E402

ADAPTER = "adapter_model.safetensors"


class TrainerCase(Case):
    def prepare(self, data, name="t.jsonl", home=None, **spec):
        """→ (folder, path of the spec file)"""
        home = home or self.folder()
        for folder in ("files", "results/checkpoints"):
            os.makedirs(os.path.join(home, folder), exist_ok=True)
        with open(os.path.join(home, "files", name), "wb") as out:
            out.write(data)
        full = {"backend": "toy", "baseModel": "tiny/model", "dataset": {"file": name}, "maxSteps": 20, "checkpointSteps": 10, **spec}
        path = os.path.join(home, "spec.json")
        with open(path, "w", encoding="utf-8") as out:
            json.dump({"spec": full, "paths": {"files": home + "/files", "results": home + "/results", "checkpoints": home + "/results/checkpoints"}}, out)
        return home, path

    def start(self, path, limits=(), **env):
        def limit():
            for what, value in limits:
                resource.setrlimit(what, (value, value))
        process = subprocess.Popen([sys.executable, "-u", os.path.join(HERE, "trainer.py"), path], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   env={"PATH": os.environ["PATH"], **env}, preexec_fn=limit if limits else None)
        started.append(process)
        self.addCleanup(lambda: (process.kill(), process.wait(10), process.stdout.close(), process.stderr.close()))
        return process

    def train(self, path, limits=(), **env):
        """→ (exit code, lines of stdout)"""
        process = self.start(path, limits, **env)
        out, _ = process.communicate(timeout=60)
        return process.returncode, out.decode().splitlines()

    def metrics(self, lines, event):
        return [m for m in (json.loads(line[8:]) for line in lines if line.startswith("@metric ")) if m["event"] == event]

    def refusal(self, data, name="t.jsonl", env=None, **spec):
        code, lines = self.train(self.prepare(data, name, **spec)[1], **(env or {}))
        self.assertTrue(lines[-1].startswith("@failure "), lines)
        word = json.loads(lines[-1][9:])
        self.assertEqual(trainer_base.CODES[word["code"]], code)
        return word["code"], word["message"]

    def bytes_of(self, home, name=ADAPTER):
        with open(os.path.join(home, "results", name), "rb") as source:
            return source.read()


class Training(TrainerCase):
    def test_the_loss_really_falls_and_every_event_is_one_metric_line(self):
        home, path = self.prepare(jsonl(sample_rows()), maxSteps=200, validationSplit=0.2, warmupSteps=10, checkpointSteps=100)
        code, lines = self.train(path)
        self.assertEqual(code, 0)
        self.assertIn("toy", lines[0])
        steps = self.metrics(lines, "step")
        self.assertEqual([m["step"] for m in steps], list(range(1, 201)))
        self.assertEqual(set(steps[0]), {"event", "step", "totalSteps", "epoch", "loss", "learningRate", "gradNorm", "stepsPerSecond"})
        self.assertGreater(steps[0]["loss"], 4.4)      # ln 97 = 4.57: it knows nothing
        self.assertLess(steps[-1]["loss"], 2.6)
        rates = [m["learningRate"] for m in steps]
        self.assertAlmostEqual(rates[4], 1e-4)
        self.assertEqual(max(rates), 2e-4)
        self.assertLess(rates[-1], 2e-6)
        evals = self.metrics(lines, "eval")
        self.assertEqual([m["step"] for m in evals], [100, 200])
        self.assertLess(evals[-1]["evalLoss"], evals[0]["evalLoss"])
        self.assertEqual(len(self.metrics(lines, "start")), 1)
        self.assertEqual(len(self.metrics(lines, "end")), 1)

    def test_the_gradients_are_those_of_the_loss(self):
        model = trainer_toy.Toy("a/b", 3, 1.5, 1)
        import random
        rng = random.Random(5)
        for param in model.params:
            for row in param:
                row[:] = [v + rng.gauss(0, 0.3) for v in row]
        counts = trainer_toy.merge([trainer_toy.successors("the cat sat on the mat", 99), trainer_toy.successors("Hello, world!", 99)])
        for masks in (None, [[1.25 if i % 4 else 0.0 for i in range(n)] for n in (trainer_toy.D, trainer_toy.H)]):
            _, grads = model.gradients(counts, masks)
            for k, (param, grad) in enumerate(zip(model.params, grads)):
                for i, j in ((0, 0), (len(param) - 1, len(param[0]) - 1), (len(param) // 2, 1)):
                    kept, e = param[i][j], 1e-5
                    param[i][j] = kept + e
                    up = model.gradients(counts, masks)[0]
                    param[i][j] = kept - e
                    down = model.gradients(counts, masks)[0]
                    param[i][j] = kept
                    self.assertAlmostEqual(grad[i][j], (up - down) / (2 * e), places=6, msg=(k, i, j))

    def test_the_same_seed_gives_the_same_bytes_and_another_gives_others(self):
        for extra in ({}, {"optimizer": "sgd"}, {"dropout": 0.3}, {"algorithm": "RSLORA"}):
            made = [self.prepare(jsonl(sample_rows()), seed=seed, **extra) for seed in (1, 1, 2)]
            for _, path in made:
                self.assertEqual(self.train(path)[0], 0)
            one, same, other = (self.bytes_of(home) for home, _ in made)
            self.assertEqual(one, same)
            self.assertNotEqual(one, other)

    def test_the_adapter_is_a_true_safetensors_file_with_its_config(self):
        home, path = self.prepare(jsonl(sample_rows()), rank=4, alpha=8)
        self.train(path)
        data = self.bytes_of(home)
        length = struct.unpack("<Q", data[:8])[0]
        header = json.loads(data[8:8 + length])
        self.assertEqual(header.pop("__metadata__"), {"format": "pt"})
        self.assertEqual(length % 8, 0)
        end = 0
        for name, about in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
            self.assertEqual(about["dtype"], "F32")
            begin, stop = about["data_offsets"]
            self.assertEqual((begin, stop - begin), (end, 4 * about["shape"][0] * about["shape"][1]))
            end = stop
        self.assertEqual(len(data), 8 + length + end)
        self.assertEqual({k: v["shape"] for k, v in header.items()}, {
            "base_model.model.in_proj.lora_A.weight": [4, 12], "base_model.model.in_proj.lora_B.weight": [16, 4],
            "base_model.model.out_proj.lora_A.weight": [4, 16], "base_model.model.out_proj.lora_B.weight": [97, 4]})
        begin, stop = header["base_model.model.out_proj.lora_B.weight"]["data_offsets"]
        values = struct.unpack("<%df" % ((stop - begin) // 4), data[8 + length + begin:8 + length + stop])
        self.assertTrue(any(values))  # it began at zero
        config = json.loads(self.bytes_of(home, "adapter_config.json"))
        self.assertEqual((config["peft_type"], config["r"], config["lora_alpha"], config["target_modules"], config["base_model_name_or_path"]),
                         ("LORA", 4, 8, ["in_proj", "out_proj"], "tiny/model"))

    def test_epochs_become_steps(self):
        _, lines = self.train(self.prepare(jsonl(sample_rows(10)), maxSteps=None, epochs=1.5, batchSize=2, gradientAccumulationSteps=2)[1])
        self.assertEqual(self.metrics(lines, "end")[0]["totalSteps"], 5)  # 3 steps an epoch


class Resuming(TrainerCase):
    SPEC = dict(maxSteps=60, checkpointSteps=10, dropout=0.1, warmupSteps=5)

    def uninterrupted(self):
        home, path = self.prepare(jsonl(sample_rows()), **self.SPEC)
        self.assertEqual(self.train(path)[0], 0)
        return self.bytes_of(home)

    def interrupt(self, number, after, kept="adapter"):
        """Starts, waits for the metric of step `after`, sends the signal → (folder, spec, exit code, lines)"""
        home, path = self.prepare(jsonl(sample_rows()), **self.SPEC)
        process = self.start(path, TOY_STEP_DELAY_MS="20")
        lines = []
        for line in process.stdout:
            lines.append(line.decode().rstrip())
            if '"event":"step","step":%d,' % after in lines[-1]:
                process.send_signal(number)
        return home, path, process.wait(20), lines

    def test_a_stopped_run_goes_on_to_the_same_bytes(self):
        home, path, code, lines = self.interrupt(signal.SIGTERM, 23)
        self.assertEqual(code, 20)
        self.assertEqual(json.loads(lines[-1][9:])["code"], "STOPPED")
        self.assertFalse(os.path.exists(os.path.join(home, "results", ADAPTER)))
        newest = max(int(n.split("-")[1]) for n in os.listdir(home + "/results/checkpoints"))
        self.assertGreaterEqual(newest, 23)  # written on the signal, not only every tenth step
        code, lines = self.train(path)
        self.assertEqual((code, self.metrics(lines, "start")[0]["step"]), (0, newest))
        self.assertEqual(self.bytes_of(home), self.uninterrupted())

    def test_a_killed_run_goes_on_from_its_last_complete_checkpoint_to_the_same_bytes(self):
        home, path, code, _ = self.interrupt(signal.SIGKILL, 37)
        self.assertEqual(code, -9)
        top = home + "/results/checkpoints"
        # A half-written newer one, and one that lost its marker, are not taken.
        shutil.copytree(top + "/checkpoint-30", top + "/checkpoint-40")
        os.unlink(top + "/checkpoint-40/COMPLETE")
        shutil.copytree(top + "/checkpoint-30", top + "/checkpoint-50.part")
        code, lines = self.train(path)
        self.assertEqual((code, self.metrics(lines, "start")[0]["step"]), (0, 30))
        self.assertEqual(self.bytes_of(home), self.uninterrupted())
        left = sorted(n for n in os.listdir(top) if os.path.exists(os.path.join(top, n, "COMPLETE")))
        self.assertEqual(left, ["checkpoint-50", "checkpoint-60"])  # pruned to two

    def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(self):
        home, path, _, _ = self.interrupt(signal.SIGKILL, 37)
        with open(home + "/results/checkpoints/checkpoint-30/optimizer.f64", "r+b") as out:
            out.seek(100)
            out.write(b"\xff" * 8)
        code, lines = self.train(path)
        self.assertEqual((code, self.metrics(lines, "start")[0]["step"]), (0, 20))
        self.assertTrue(any("checkpoint-30 is not usable" in line for line in lines))
        self.assertEqual(self.bytes_of(home), self.uninterrupted())

    def test_a_checkpoint_of_another_job_is_not_taken(self):
        home, path, _, _ = self.interrupt(signal.SIGKILL, 37)
        _, path = self.prepare(jsonl(sample_rows()), home=home, **{**self.SPEC, "seed": 7})
        code, lines = self.train(path)
        self.assertEqual((code, self.metrics(lines, "start")[0]["step"]), (0, 0))

    def test_a_checkpoint_marker_vouches_for_every_file(self):
        home, path = self.prepare(jsonl(sample_rows()))
        self.train(path)
        top = home + "/results/checkpoints/checkpoint-20"
        with open(top + "/COMPLETE", encoding="utf-8") as source:
            sums = json.load(source)["sha256"]
        self.assertEqual(sorted(sums) + ["COMPLETE"], sorted(n for n in os.listdir(top) if n != "COMPLETE") + ["COMPLETE"])
        for name, digest in sums.items():
            with open(os.path.join(top, name), "rb") as source:
                self.assertEqual(hashlib.sha256(source.read()).hexdigest(), digest)


class Datasets(TrainerCase):
    def test_every_shape_in_every_format_trains(self):
        shapes = {
            "text": [{"text": "hello %d" % i} for i in range(6)],
            "messages": [{"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho %d" % i}]} for i in range(6)],
            "completion": [{"prompt": "2+%d=" % i, "completion": str(i + 2)} for i in range(6)],
            "alpaca": [{"instruction": "Say it", "input": "" if i % 2 else "x", "output": "it %d" % i} for i in range(6)],
            "sharegpt": [{"conversations": [{"from": "human", "value": "hi"}, {"from": "gpt", "value": "ho"}]} for _ in range(6)],
        }
        made = []
        for name, rows in shapes.items():
            made += [(name + ".jsonl", b"\xef\xbb\xbf" + jsonl(rows) + b"\n"), (name + ".json", json.dumps(rows).encode()), (name + "2.json", json.dumps({"data": rows}).encode())]
        made += [("t.csv", "text,other\r\n\"a, \"\"b\"\"\nc\",1\r\nzwölf,2\r\n".encode()), ("p.csv", b"prompt,completion\na,b\nc,d\n"), ("i.csv", b"instruction,input,output\na,,b\nc,x,d\n")]
        for name, data in made:
            code, lines = self.train(self.prepare(data, name, maxSteps=2)[1])
            self.assertEqual(code, 0, (name, lines[-1]))

    def test_refusals_name_the_row_and_what_is_wrong_with_it(self):
        good = b'{"text":"a"}\n'
        for data, name, expected in (
                (good + b"{broken\n", "t.jsonl", "row 2 is not JSON"),
                (good + b"\n" + b'{"text":5}\n', "t.jsonl", "row 3 `text` must be text"),
                (good + b'{"text":"\xff"}\n', "t.jsonl", "row 2 is not UTF-8"),
                (good + b'[1]\n{"x":1}\n{"text":"  "}\n', "t.jsonl", "row 2 is not an object; row 3 has none of"),
                (b'{"messages":[]}\n' + good, "t.jsonl", "row 1 `messages` must be a list"),
                (b'{"messages":[{"role":"user"}]}\n' + good, "t.jsonl", "row 1 `messages` turn 1"),
                (b'{"conversations":[{"from":"x","value":1}]}\n' + good, "t.jsonl", "row 1 `conversations` turn 1"),
                (b'{"prompt":"x"}\n' + good, "t.jsonl", "row 1 `completion` must be text"),
                (b'{"instruction":"x"}\n' + good, "t.jsonl", "row 1 `output` must be text"),
                (b"[" * 100000, "t.json", "nested too deeply"),
                (b'{"no":1}', "t.json", "must be a list of rows"),
                (b"{", "t.json", "The file is not JSON"),
                (b"text\na\nb,c\n", "t.csv", "row 2 has more columns"),
                (b"text\na\n\xff\xff\n", "t.csv", "is not UTF-8"),
                (b"other\na\nb\n", "t.csv", "row 1 has none of"),
                (b'text\na\n"open\n', "t.csv", "row 2 is not CSV"),
                (b"", "t.jsonl", "has 0 rows"), (good, "t.jsonl", "has 1 rows"),
                (b"PAR1", "t.parquet", "must be .jsonl, .json or .csv.")):
            code, message = self.refusal(data, name)
            self.assertEqual(code, "DATASET_INVALID")
            self.assertIn(expected, message)

    def test_hostile_names_are_only_names(self):
        for file in ("../spec.json", "/etc/passwd", "a\nb", "$(id)", "x'); import os", "\u0000", None, 5):
            self.assertEqual(self.refusal(b"", dataset={"file": file})[0], "DATASET_INVALID")
        self.assertIn("was not uploaded", self.refusal(b"", dataset={"file": "absent.jsonl"})[1])
        self.assertEqual(self.refusal(b"", dataset="x")[0], "DATASET_INVALID")
        for name in ("a/b/c", "../x", "$(id)/x", "x'); import os", "", None, 7, "a" * 10_000):
            self.assertEqual(self.refusal(b"", baseModel=name)[0], "SPEC_INVALID")


class Failures(TrainerCase):
    def test_each_is_typed_by_its_exit_code_and_last_word(self):
        rows = jsonl(sample_rows())
        self.assertEqual(self.refusal(rows, backend="x")[0], "BACKEND_UNKNOWN")
        self.assertEqual(self.refusal(rows, backend=None)[0], "BACKEND_UNKNOWN")
        self.assertEqual(self.refusal(rows, baseModel="missing/model")[0], "MODEL_NOT_FOUND")
        self.assertEqual(self.refusal(rows, baseModel="gated/model")[0], "MODEL_GATED")
        self.assertEqual(self.train(self.prepare(rows, baseModel="gated/model")[1], HF_TOKEN="hf_x")[0], 0)
        for wrong in ({"rank": 0}, {"rank": 2.5}, {"rank": True}, {"alpha": 0}, {"dropout": 1}, {"learningRate": -1}, {"maxSteps": 0}, {"optimizer": "x"}, {"batchSize": "4"}, {"validationSplit": 0.95}):
            code, message = self.refusal(rows, **wrong)
            self.assertEqual(code, "SPEC_INVALID")
            self.assertIn("`%s`" % next(iter(wrong)), message)

    def test_a_diverging_run_ends_and_its_loss_goes_out_as_null(self):
        code, lines = self.train(self.prepare(jsonl(sample_rows()), alpha=1e6, learningRate=1, optimizer="sgd", maxGradNorm=1e9, maxSteps=500)[1])
        self.assertIn(code, (0, 1))
        self.assertFalse([line for line in lines if "NaN" in line or "Infinity" in line])

    def test_memory_that_runs_out_is_named(self):
        home, path = self.prepare(b'{"text":"' + b"x" * 60_000_000 + b'"}\n{"text":"b"}\n')
        code, lines = self.train(path, [(resource.RLIMIT_AS, 120_000_000)])
        self.assertEqual((code, json.loads(lines[-1][9:])["code"]), (13, "OUT_OF_MEMORY"))

    def test_a_disk_that_is_full_is_named_and_leaves_no_half_checkpoint(self):
        home, path = self.prepare(jsonl(sample_rows()))
        code, lines = self.train(path, [(resource.RLIMIT_FSIZE, 6000)])
        self.assertEqual((code, json.loads(lines[-1][9:])["code"]), (14, "DISK_FULL"))
        self.assertFalse([n for n in os.listdir(home + "/results/checkpoints") if not n.endswith(".part")])

    def test_a_bug_is_a_crash_with_its_trace(self):
        process = self.start(self.script("not json", "spec.json"))
        out, err = process.communicate(timeout=20)
        self.assertEqual(process.returncode, 1)
        self.assertIn(b"Traceback", err)
        self.assertEqual(json.loads(out.decode().splitlines()[-1][9:])["code"], "TRAINER_CRASHED")


if __name__ == "__main__":
    unittest.main()
