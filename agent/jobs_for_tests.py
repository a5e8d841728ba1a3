"""Runs a list of jobs in one process, since the libraries take long to import: `python jobs_for_tests.py FOLDER`.

stdin, one JSON object a line: {"home", "spec", "env"?, "stopAfter"? (as if SIGTERM came in that step), "change"? (load the
result back)} or {"compare": [home, home]}. stdout: one `@result` line each.
"""
import contextlib
import importlib
import io
import json
import os
import sys

from trainer import failure_of
from trainer_base import stop_wanted
from trainer_hf import quiet


class FakeWatch:
    """Nobody to end: it only tells when the wanted step is there."""

    def __init__(self, stop_after):
        self.left = stop_after

    def step(self):
        if self.left is not None:
            self.left -= 1
            if self.left == 0:
                stop_wanted.append(True)

    def __getattr__(self, _name):
        return lambda *_: None


def logits_of(model):
    import torch
    with torch.no_grad():
        return model(torch.arange(3, 40).unsqueeze(0)).logits


def change(name, adapter):
    """How far the adapter, loaded by plain peft on the original base model, moves the logits."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM
    base = AutoModelForCausalLM.from_pretrained(name, dtype=torch.float32).eval()
    before = logits_of(base)
    return float((logits_of(PeftModel.from_pretrained(base, adapter).eval()) - before).abs().max())


def compared(*homes):
    """The largest difference between two adapters."""
    from safetensors.torch import load_file
    one, two = (load_file(home + "/results/adapter_model.safetensors") for home in homes)
    return {"same": one.keys() == two.keys(), "difference": max(float((one[name] - two[name]).abs().max()) for name in one if one[name].numel())}


def run(job, top):
    if "compare" in job:
        return compared(*(os.path.join(top, home) for home in job["compare"]))
    home = os.path.join(top, job["home"])
    paths = {"files": os.path.join(top, "files"), "results": home + "/results", "checkpoints": home + "/results/checkpoints"}
    os.makedirs(paths["checkpoints"], exist_ok=True)
    kept, said, answer = dict(os.environ), io.StringIO(), {}
    os.environ.update(job.get("env", {}))
    stop_wanted.clear()
    try:
        with contextlib.redirect_stdout(said):
            importlib.import_module("trainer_" + job["spec"]["backend"]).train(job["spec"], paths, FakeWatch(job.get("stopAfter")))
    except Exception as error:
        answer["code"], answer["message"] = failure_of(error)
    finally:
        os.environ.clear()
        os.environ.update(kept)
    answer["lines"] = said.getvalue().splitlines()
    if job.get("change"):
        answer["bytes"] = os.path.getsize(paths["results"] + "/adapter_model.safetensors")
        answer["change"] = change(job["spec"]["baseModel"], paths["results"])
    return answer


def main():
    quiet()
    for line in sys.stdin:
        print("@result " + json.dumps(run(json.loads(line), sys.argv[1])), flush=True)


if __name__ == "__main__":
    main()
