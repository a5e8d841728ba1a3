"""The trl backend on the real libraries: needs the python of a venv with requirements-trl.txt in TRAINING_PYTHON."""
import json
import os
import subprocess
import unittest

import hub_for_tests
from hub_for_tests import Hub
from support_for_tests import HERE, Case, jsonl, sample_rows, started

SMALL = dict(backend="trl", baseModel="tiny/llama", algorithm="LORA", rank=4, learningRate=5e-3, maxSteps=12, checkpointSteps=5, batchSize=4,
             gradientAccumulationSteps=1, maxSequenceLength=64, loggingSteps=1)
COMPARE = r"""
import json, sys
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM
name, adapter = sys.argv[1:3]
ids = torch.arange(3, 40).unsqueeze(0)
base = AutoModelForCausalLM.from_pretrained(name, dtype=torch.float32).eval()
with torch.no_grad():
    before = base(ids).logits
    after = PeftModel.from_pretrained(base, adapter).eval()(ids).logits
print(json.dumps({"change": float((after - before).abs().max())}))
"""


@unittest.skipUnless(hub_for_tests.PYTHON, "TRAINING_PYTHON names no python with requirements-trl.txt installed")
class TrlCase(Case):
    @classmethod
    def setUpClass(cls):
        import tempfile
        cls.root = tempfile.TemporaryDirectory(prefix="hub-")
        hub_for_tests.make_models(cls.root.name)
        cls.hub = Hub(cls.root.name)
        cls.cache = tempfile.TemporaryDirectory(prefix="hf-")

    @classmethod
    def tearDownClass(cls):
        cls.hub.close()
        cls.root.cleanup()
        cls.cache.cleanup()

    def env(self, **more):
        return {"PATH": os.environ["PATH"], "HF_ENDPOINT": self.hub.url, "HF_HOME": self.cache.name, "TRAINER_DEVICE": "cpu", "OMP_NUM_THREADS": "1", **more}

    def prepare(self, data=None, name="t.jsonl", home=None, **spec):
        """→ (folder, path of the spec file)"""
        home = home or self.folder()
        for folder in ("files", "results/checkpoints"):
            os.makedirs(os.path.join(home, folder), exist_ok=True)
        with open(os.path.join(home, "files", name), "wb") as out:
            out.write(jsonl(sample_rows()) if data is None else data)
        path = os.path.join(home, "spec.json")
        with open(path, "w", encoding="utf-8") as out:
            json.dump({"spec": {**SMALL, "dataset": {"file": name}, **spec},
                       "paths": {"files": home + "/files", "results": home + "/results", "checkpoints": home + "/results/checkpoints"}}, out)
        return home, path

    def start(self, path, **env):
        process = subprocess.Popen([hub_for_tests.PYTHON, "-u", os.path.join(HERE, "trainer.py"), path], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, env=self.env(**env))
        started.append(process)
        self.addCleanup(lambda: (process.kill(), process.wait(10), process.stdout.close(), process.stderr.close()))
        return process

    def train(self, path, **env):
        """→ (exit code, lines of stdout)"""
        process = self.start(path, **env)
        out, err = process.communicate(timeout=240)
        lines = out.decode().splitlines()
        if process.returncode == 1:
            lines.insert(-1, err.decode()[-3000:])
        return process.returncode, lines

    def metrics(self, lines, event):
        return [m for m in (json.loads(line[8:]) for line in lines if line.startswith("@metric ")) if m["event"] == event]

    def python(self, code, *args):
        done = subprocess.run([hub_for_tests.PYTHON, "-c", code, *args], env=self.env(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr.decode()[-3000:])
        return json.loads(done.stdout.decode().splitlines()[-1])

    def change(self, home, model="tiny/llama"):
        """How much the saved adapter, loaded by plain peft on the original base model, moves the logits."""
        return self.python(COMPARE, model, home + "/results")["change"]


class Algorithms(TrlCase):
    def trains(self, **spec):
        home, path = self.prepare(**spec)
        code, lines = self.train(path)
        self.assertEqual(code, 0, lines[-2:])
        losses = [m["loss"] for m in self.metrics(lines, "step")]
        self.assertLess(losses[-1], losses[0] - 0.2)
        change = self.change(home, spec.get("baseModel", "tiny/llama"))
        self.assertGreater(change, 0.01)
        print("%-8s %-4s loss %.3f → %.3f, adapter %d bytes, logits moved by %.3f" % (
            spec["algorithm"], spec.get("quantization", ""), losses[0], losses[-1], os.path.getsize(home + "/results/adapter_model.safetensors"), change))

    def test_lora(self):
        self.trains(algorithm="LORA")

    def test_qlora(self):
        self.trains(algorithm="QLORA")

    def test_dora(self):
        self.trains(algorithm="DORA", baseModel="tiny/qwen3")

    def test_rslora(self):
        self.trains(algorithm="RSLORA")


if __name__ == "__main__":
    unittest.main()
