"""The trl backend on the real libraries: needs the python of a venv with requirements-trl.txt in TRAINING_PYTHON."""
import json
import os
import resource
import signal
import subprocess
import tempfile
import unittest

import hub_for_tests
from hub_for_tests import Hub
from support_for_tests import HERE, Case, jsonl, sample_rows, started
from trainer_checkpoints import newest_first

SMALL = dict(backend="trl", baseModel="tiny/llama", algorithm="LORA", quantization="NONE", rank=4, learningRate=5e-3, maxSteps=12, checkpointSteps=5,
             batchSize=4, gradientAccumulationSteps=1, maxSequenceLength=64, loggingSteps=1, dataset={"file": "t.jsonl"})
ADAPTER = "/results/adapter_model.safetensors"
here = {}


def setUpModule():
    if not hub_for_tests.PYTHON:
        raise unittest.SkipTest("TRAINING_PYTHON names no python that has requirements-trl.txt installed")
    here["root"], here["cache"] = (tempfile.TemporaryDirectory(prefix=name) for name in ("hub-", "hf-"))
    hub_for_tests.make_models(here["root"].name)
    here["hub"] = Hub(here["root"].name)


def tearDownModule():
    here["hub"].close()
    here["root"].cleanup()
    here["cache"].cleanup()


def metrics(lines, event):
    return [m for m in (json.loads(line[8:]) for line in lines if line.startswith("@metric ")) if m["event"] == event]


class TrlCase(Case):
    def env(self, **more):
        return {"PATH": os.environ["PATH"], "HF_ENDPOINT": here["hub"].url, "HF_HOME": here["cache"].name, "TRAINER_DEVICE": "cpu",
                "OMP_NUM_THREADS": "1", "PYTHONPATH": HERE, "PYTHONDONTWRITEBYTECODE": "1", **more}

    def files(self, home, **files):
        os.makedirs(home + "/files", exist_ok=True)
        for name, data in {"t.jsonl": jsonl(sample_rows()), **files}.items():
            with open(os.path.join(home, "files", name), "wb") as out:
                out.write(data)

    def jobs(self, *jobs, files=None, python=hub_for_tests.PYTHON, **env):
        """Several in one process → what each said"""
        top = self.folder()
        self.files(top, **(files or {}))
        lines = "".join(json.dumps({**job, **({"spec": {**SMALL, **job["spec"]}} if "spec" in job else {})}) + "\n" for job in jobs)
        done = subprocess.run([python, "-u", os.path.join(HERE, "jobs_for_tests.py"), top], env=self.env(**env), input=lines.encode(),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=900)
        found = [json.loads(line[8:]) for line in done.stdout.decode().splitlines() if line.startswith("@result ")]
        self.assertEqual(len(found), len(jobs), done.stderr.decode()[-3000:])
        for answer in found:
            if answer.get("code") == "TRAINER_CRASHED":
                self.fail(answer["message"] + done.stderr.decode()[-3000:])
        return found

    def prepare(self, **spec):
        """→ (folder, path of the spec file) of a job for a process of its own"""
        home = self.folder()
        self.files(home)
        path = os.path.join(home, "spec.json")
        with open(path, "w", encoding="utf-8") as out:
            json.dump({"spec": {**SMALL, **spec}, "paths": {"files": home + "/files", "results": home + "/results", "checkpoints": home + "/results/checkpoints"}}, out)
        return home, path

    def start(self, path, limits=(), **env):
        def limit():
            for what, value in limits:
                resource.setrlimit(what, (value, value))
        process = subprocess.Popen([hub_for_tests.PYTHON, "-u", os.path.join(HERE, "trainer.py"), path], stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, env=self.env(**env), preexec_fn=limit if limits else None)
        started.append(process)
        self.addCleanup(lambda: (process.kill(), process.wait(10), process.stdout.close()))
        return process

    def train(self, path, limits=(), **env):
        """→ (exit code, lines of stdout)"""
        process = self.start(path, limits, **env)
        out, _ = process.communicate(timeout=300)
        return process.returncode, out.decode().splitlines()

    def word(self, lines):
        self.assertTrue(lines[-1].startswith("@failure "), lines[-3:])
        return json.loads(lines[-1][9:])


class Algorithms(TrlCase):
    TRAINED = [("LORA", "NONE"), ("LORA", "INT8"), ("LORA", "NF4"), ("QLORA", "NF4"), ("DORA", "NONE"), ("DORA", "NF4"), ("RSLORA", "NONE"), ("PISSA", "NONE"),
               ("OLORA", "NONE"), ("ADALORA", "NONE"), ("ADALORA", "NF4"), ("IA3", "NONE"), ("IA3", "INT8"), ("VERA", "NONE"), ("VERA", "NF4"),
               ("OFT", "NONE"), ("LOHA", "NONE"), ("LOKR", "NONE")]
    REFUSED = [("LOFTQ", "NONE", "CUDA_MISMATCH"), ("DORA", "INT8", "CUDA_MISMATCH"), ("PISSA", "NF4", "SPEC_INVALID"), ("OFT", "INT8", "SPEC_INVALID")]

    def test_every_algorithm_learns_and_its_result_fits_the_original_model(self):
        jobs = [{"home": "%s-%s" % pair, "spec": {"algorithm": pair[0], "quantization": pair[1], "baseModel": "tiny/qwen3" if i % 3 == 2 else "tiny/llama"},
                 "change": True} for i, pair in enumerate(self.TRAINED)]
        for pair, job, answer in zip(self.TRAINED, jobs, self.jobs(*jobs)):
            with self.subTest(pair):
                losses = [m["loss"] for m in metrics(answer["lines"], "step")]
                self.assertEqual(len(losses), 12, answer)
                self.assertLess(losses[-1], losses[0] - 0.04)
                self.assertGreater(answer["change"], 0.005)
                print("| %s | %s | %s | %.3f → %.3f | %d | %.3f |" % (*pair, job["spec"]["baseModel"], losses[0], losses[-1], answer["bytes"], answer["change"]))

    def test_what_cannot_be_is_refused_with_its_reason(self):
        jobs = [{"home": "%s-%s" % row[:2], "spec": {"algorithm": row[0], "quantization": row[1]}} for row in self.REFUSED]
        jobs.append({"home": "targets", "spec": {"targetModules": ["no_such_layer"]}})
        answers = self.jobs(*jobs)
        self.assertEqual([answer.get("code") for answer in answers], [row[2] for row in self.REFUSED] + ["MODEL_UNSUPPORTED"])
        self.assertIn("no_such_layer", answers[-1]["message"])


class Resuming(TrlCase):
    def test_a_stopped_run_ends_as_one_that_was_never_stopped(self):
        kinds = {"LORA": {}, "ADALORA": {}, "PISSA": {}, "VERA": {}}
        jobs = []
        for name in kinds:
            spec = {"algorithm": name, "dropout": 0.1, "warmupSteps": 2, "validationSplit": 0.1}
            jobs += [{"home": name, "spec": spec}, {"home": name + "-again", "spec": spec, "stopAfter": 8},
                     {"home": name + "-again", "spec": spec}, {"compare": [name, name + "-again"]}]
        answers = self.jobs(*jobs)
        for i, name in enumerate(kinds):
            whole, stopped, resumed, compared = answers[4 * i:4 * i + 4]
            with self.subTest(name):
                self.assertEqual(stopped.get("code"), "STOPPED", stopped)
                self.assertIn("Stopped at step 8 of 12; checkpoint-8 is complete", stopped["message"])
                self.assertEqual([m["step"] for m in metrics(resumed["lines"], "start")], [8])
                self.assertEqual([m["step"] for m in metrics(resumed["lines"], "step")], [9, 10, 11, 12])
                self.assertTrue(compared["same"])
                self.assertLess(compared["difference"], 1e-6)
                print("%s: resumed at step 8, the largest difference to an uninterrupted run is %g" % (name, compared["difference"]))
                self.assertEqual(metrics(resumed["lines"], "eval"), [m for m in metrics(whole["lines"], "eval") if m["step"] > 8])

    def test_a_killed_run_goes_on_from_its_newest_sound_checkpoint(self):
        home, path = self.prepare(maxSteps=40, checkpointSteps=2, checkpointLimit=3)
        process = self.start(path)
        for line in process.stdout:
            if b'"event":"step","step":9,' in line:
                break
        for pid in children(process.pid):
            os.kill(pid, signal.SIGKILL)
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, -signal.SIGKILL)
        top = home + "/results/checkpoints"
        newest = max(int(n.split("-")[1]) for n in os.listdir(top) if n.startswith("checkpoint-"))
        with open("%s/checkpoint-%d/optimizer.pt" % (top, newest), "r+b") as out:
            out.seek(2000)
            out.write(b"\xff" * 8)
        code, lines = self.train(path)
        self.assertEqual(code, 0, lines[-3:])
        self.assertTrue(any("checkpoint-%d is not usable: optimizer.pt is damaged" % newest in line for line in lines))
        self.assertEqual(metrics(lines, "start")[0]["step"], newest - 2)
        self.assertEqual(len([n for n in os.listdir(top) if n.startswith("checkpoint-")]), 3)

    def test_a_run_that_had_ended_is_not_trained_again(self):
        first, again = self.jobs({"home": "a", "spec": {}}, {"home": "a", "spec": {}, "change": True})
        self.assertEqual(metrics(again["lines"], "step"), [])
        self.assertEqual(metrics(again["lines"], "start")[0]["step"], 12)
        self.assertEqual(metrics(again["lines"], "end")[0]["step"], 12)
        self.assertGreater(again["change"], 0.1)


def children(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid), encoding="utf-8") as source:
        return [int(child) for child in source.read().split()]


class Datasets(TrlCase):
    def test_every_shape_format_and_source_trains(self):
        chat = [{"messages": [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "world %d" % i}]} for i in range(8)]
        share = [{"conversations": [{"from": "human", "value": "hello"}, {"from": "gpt", "value": "fox %d" % i}]} for i in range(8)]
        alpaca = [{"instruction": "Say it", "input": "" if i % 2 else "x", "output": "it %d" % i} for i in range(8)]
        make = "import json,pyarrow as a,pyarrow.parquet as p,sys; p.write_table(a.Table.from_pylist(json.loads(sys.argv[2])), sys.argv[1])"
        parquet = os.path.join(self.folder(), "x.parquet")
        subprocess.run([hub_for_tests.PYTHON, "-c", make, parquet, json.dumps(share)], check=True, timeout=60)
        with open(parquet, "rb") as source:
            columns = source.read()
        for folder, name, data in (("plain", "rows.jsonl", jsonl(chat)), ("datasets/own/rows/data", "train.parquet", columns)):
            os.makedirs(os.path.join(here["root"].name, folder), exist_ok=True)
            with open(os.path.join(here["root"].name, folder, name), "wb") as out:
                out.write(data)
        files = {"chat.jsonl": jsonl(chat), "share.parquet": columns, "alpaca.json": json.dumps(alpaca).encode(),
                 "pairs.csv": b"prompt,completion\n" + b"".join(b"2+%d,%d\n" % (i, i + 2) for i in range(8))}
        sources = [{"file": "chat.jsonl"}, {"file": "share.parquet"}, {"file": "alpaca.json"}, {"file": "pairs.csv"},
                   {"url": here["hub"].url + "/plain/to-rows.jsonl"}, {"huggingFace": {"name": "own/rows", "split": "train[:6]", "revision": None}}]
        jobs = [{"home": "d%d" % i, "spec": {"dataset": source, "maxSteps": 1, "maxSequenceLength": 256, "validationSplit": 0.25, "packing": i == 0,
                                             "baseModel": "tiny/qwen3" if i % 2 else "tiny/llama"}} for i, source in enumerate(sources)]
        answers = self.jobs(*jobs, files=files, TRAINER_ALLOW_PRIVATE_URLS="1")
        for source, answer, count in zip(sources, answers, [6, 6, 6, 6, 6, 4]):
            with self.subTest(source):
                self.assertNotIn("code", answer)
                self.assertTrue(any(line.startswith("row 1: {") for line in answer["lines"]), answer)
                self.assertTrue(any(line.startswith("%d rows to train on" % count) for line in answer["lines"]), answer["lines"])
                self.assertEqual(len(metrics(answer["lines"], "eval")), 1)

    def test_refusals_name_the_row(self):
        mixed = jsonl([{"text": "a"}, {"text": "b"}, {"prompt": "c", "completion": "d"}])
        cases = [({"file": "mixed.jsonl"}, "row 3 has `prompt` and `completion`, but row 1 has `text`"), ({"file": "junk.parquet"}, "not Parquet"),
                 ({"url": "http://127.0.0.1:1/x.jsonl"}, "must be https"), ({"url": "https://localhost/x.jsonl"}, "private address"),
                 ({"huggingFace": {"name": "own/nothing", "split": "train"}}, "does not exist")]
        jobs = [{"home": "r%d" % i, "spec": {"dataset": source}} for i, (source, _) in enumerate(cases)]
        answers = self.jobs(*jobs, files={"mixed.jsonl": mixed, "junk.parquet": b"PAR1 no"})
        for (source, expected), answer in zip(cases, answers):
            with self.subTest(source):
                self.assertEqual(answer.get("code"), "DATASET_INVALID")
                self.assertIn(expected, answer["message"])


class Failures(TrlCase):
    def test_models_that_cannot_be_had(self):
        cases = [({"baseModel": "tiny/absent"}, "MODEL_NOT_FOUND", {}), ({"baseModel": "gated/llama"}, "MODEL_GATED", {}),
                 ({"baseModel": "gated/llama"}, "MODEL_GATED", {"HF_TOKEN": "hf_not_let_in"}), ({"baseModel": "tiny/pickled"}, "MODEL_UNSUPPORTED", {}),
                 ({"baseModel": "tiny/llama", "modelRevision": "v9"}, "MODEL_NOT_FOUND", {}),
                 ({"baseModel": "gated/llama", "maxSteps": 1}, None, {"HF_TOKEN": "hf_let_in"}),
                 ({"baseModel": "tiny/llama", "modelRevision": "v1", "maxSteps": 1}, None, {})]
        answers = self.jobs(*({"home": "m%d" % i, "spec": spec, "env": env} for i, (spec, _, env) in enumerate(cases)))
        self.assertEqual([answer.get("code") for answer in answers], [code for _, code, _ in cases], answers)

    def test_divergence_stops_the_run_only_if_it_is_to(self):
        wild = {"learningRate": 1.0, "maxGradNorm": 1e9, "algorithm": "LORA", "optimizer": "sgd", "alpha": 4096.0}
        stopped, warned = self.jobs({"home": "a", "spec": {**wild, "onDivergence": "STOP"}}, {"home": "b", "spec": wild})
        self.assertEqual(stopped.get("code"), "TRAINING_DIVERGED")
        self.assertNotIn("code", warned)
        self.assertTrue(metrics(warned["lines"], "warning"))
        self.assertFalse([line for line in warned["lines"] if "NaN" in line or "Infinity" in line])

    def test_a_download_that_stalls_is_tried_without_xet_and_then_told(self):
        here["hub"].stall["model.safetensors"] = 1000
        self.addCleanup(here["hub"].stall.clear)
        code, lines = self.train(self.prepare()[1], HF_HOME=self.folder(), TRAINER_DOWNLOAD_STALL_SECONDS="4")
        self.assertEqual((code, self.word(lines)["code"]), (19, "DOWNLOAD_FAILED"))
        self.assertEqual(len([line for line in lines if "Trying again without Xet" in line]), 1)

    def test_a_disk_that_is_full_is_named(self):
        home, path = self.prepare()
        code, lines = self.train(path, [(resource.RLIMIT_FSIZE, 30_000)])
        self.assertEqual((code, self.word(lines)["code"]), (14, "DISK_FULL"))
        self.assertFalse([n for n in os.listdir(home + "/results/checkpoints") if n.startswith("checkpoint-")])

    def test_memory_that_runs_out_is_tried_with_half_the_batch_and_then_told(self):
        long = jsonl([{"text": "the quick brown fox " * 200}] * 64)
        home, path = self.prepare(batchSize=64, maxSequenceLength=4096, maxSteps=1)
        self.files(home, **{"t.jsonl": long})
        code, lines = self.train(path, [(resource.RLIMIT_DATA, 1_600_000_000)])
        self.assertEqual((code, self.word(lines)["code"]), (13, "OUT_OF_MEMORY"), lines)
        self.assertEqual(len([line for line in lines if "Trying again with half the batch" in line]), 1)


@unittest.skipUnless(os.environ.get("UNSLOTH_PYTHON"), "UNSLOTH_PYTHON names no python that has requirements-unsloth.txt installed")
class Unsloth(TrlCase):
    """Unsloth's own backend for the CPU: without a GPU its kernels are not there."""

    def test_what_it_trains_fits_the_original_model_and_goes_on_after_a_stop(self):
        spec, again = {"backend": "unsloth", "dropout": 0.1}, {"home": "again", "spec": {"backend": "unsloth", "dropout": 0.1}}
        trained = [("LORA", "NONE"), ("QLORA", "NF4"), ("DORA", "NONE"), ("RSLORA", "NONE")]
        refused = [("PISSA", "NONE"), ("ADALORA", "NONE"), ("IA3", "NONE"), ("LORA", "INT8"), ("LOFTQ", "NONE")]
        jobs = [{"home": "%s-%s" % pair, "spec": {"backend": "unsloth", "algorithm": pair[0], "quantization": pair[1]}, "change": pair in trained} for pair in trained + refused]
        answers = self.jobs(*jobs, {"home": "whole", "spec": spec}, {**again, "stopAfter": 7}, again, {"compare": ["whole", "again"]}, python=os.environ["UNSLOTH_PYTHON"])
        for pair, answer in zip(trained, answers):
            with self.subTest(pair):
                losses = [m["loss"] for m in metrics(answer["lines"], "step")]
                self.assertLess(losses[-1], losses[0] - 0.2)
                self.assertGreater(answer["change"], 0.1)
                print("| unsloth %s | %s | %.3f → %.3f | %d | %.3f |" % (*pair, losses[0], losses[-1], answer["bytes"], answer["change"]))
        self.assertEqual([answer.get("code") for answer in answers[4:9]], ["SPEC_INVALID"] * 3 + ["CUDA_MISMATCH"] * 2)
        self.assertEqual((answers[10].get("code"), answers[11].get("code")), ("STOPPED", None))
        self.assertLess(answers[12]["difference"], 1e-6)


class SeveralDevices(TrlCase):
    def test_two_workers_train_one_adapter_and_stop_together(self):
        home, path = self.prepare(maxSteps=60, checkpointSteps=20, gradientAccumulationSteps=2)
        process = self.start(path, TRAINER_PROCESSES="2")
        lines = []
        for line in process.stdout:
            lines.append(line.decode().rstrip())
            if '"event":"step","step":5,' in lines[-1]:
                process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(60), 20, lines)
        at = int(self.word(lines)["message"].split("checkpoint-")[1].split(" ")[0])
        with open(home + "/results/checkpoints/HELD", "w", encoding="utf-8") as out:
            out.write("checkpoint-%d" % at)
        code, lines = self.train(path, TRAINER_PROCESSES="2")
        self.assertEqual(code, 0, lines)
        self.assertEqual([step for step, _ in newest_first(home + "/results/checkpoints")], [60, 40, at])
        self.assertEqual([m["step"] for m in metrics(lines, "step")], list(range(at + 1, 61)))
        self.assertEqual(len(metrics(lines, "end")), 1)


if __name__ == "__main__":
    unittest.main()
