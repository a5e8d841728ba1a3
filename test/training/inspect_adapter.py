"""What adapters do. One question a line on stdin, a JSON list; one answer a line on stdout.

["load", BASE, ADAPTER, TEXT…]: it goes onto the base by peft alone; how far it moves the logits, and the mean loss of
the texts without and with it. ["compare", A, B]: largest difference of two files of tensors, and the largest value in
the first. What fails is answered as {"error"}.
"""
import json
import os
import sys

import torch
from safetensors.torch import load_file


def load(base, adapter, *texts):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer
    tokenizer = AutoTokenizer.from_pretrained(adapter)
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    batch = tokenizer(list(texts), return_tensors="pt", padding=True, return_token_type_ids=False)
    labels = batch["input_ids"].masked_fill(batch["attention_mask"] == 0, -100)

    def run(model):
        model.eval()
        with torch.no_grad():
            logits = model(**batch).logits
        # Ours, since AdaLoRA's model wants to be in training where it is asked for a loss.
        loss = torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1).float(), labels[:, 1:].flatten())
        return logits, float(loss)

    before, base_loss = run(model)
    after, loss = run(PeftModel.from_pretrained(model, adapter))
    with open(os.path.join(adapter, "adapter_config.json"), encoding="utf-8") as file:
        config = json.load(file)
    return {"peftType": config["peft_type"], "baseModel": config["base_model_name_or_path"],
            "logitsMoved": float((after - before).abs().max()), "baseLoss": base_loss, "loss": loss}


def compare(a, b):
    one, two = load_file(a), load_file(b)
    if one.keys() != two.keys():
        return {"difference": None, "only": sorted(one.keys() ^ two.keys())[:5]}
    return {"difference": max(float((one[k].double() - two[k].double()).abs().max()) for k in one),
            "largest": max(float(v.abs().max()) for v in one.values()), "tensors": len(one)}


for line in sys.stdin:
    what, *arguments = json.loads(line)
    try:
        answer = {"load": load, "compare": compare}[what](*arguments)
    except Exception as error:
        answer = {"error": "%s: %s" % (type(error).__name__, error)}
    print("@answer " + json.dumps(answer), flush=True)
