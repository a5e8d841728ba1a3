"""The trl backend: a plain transformers model, any adapter of peft, trained by trl."""
import os

from trainer_base import Failure, say
from trainer_fetch import download_model
from trainer_hf import quiet, run

FULL_PRECISION = ("PISSA", "OLORA", "LOFTQ", "OFT", "LOHA", "LOKR")
SUBTRACTED = {"PISSA": "pissa", "OLORA": "olora", "LOFTQ": "loftq"}
FEEDFORWARD = ("down_proj", "w2", "fc2", "fc_out", "wo", "wi_1", "c_proj", "dense_4h_to_h", "output.dense")
ADALORA_FILE = "adalora.safetensors"


def train(spec, paths, watch):
    quiet()
    run(spec, paths, watch, load)


def load(run):
    import torch
    from peft import get_peft_model, prepare_model_for_kbit_training
    from transformers import AutoModelForCausalLM, AutoTokenizer
    if run.quantization != "NONE" and run.algorithm in FULL_PRECISION:
        raise Failure("SPEC_INVALID", "%s wants a base model in full precision: `quantization` must be NONE." % run.algorithm)
    if run.algorithm == "LOFTQ" and run.device == "cpu":
        raise Failure("CUDA_MISMATCH", "LOFTQ needs a GPU: peft computes its start on one.")
    if run.algorithm == "DORA" and run.quantization == "INT8" and run.device == "cpu":
        raise Failure("CUDA_MISMATCH", "DORA on INT8 needs a GPU: on the CPU peft and bitsandbytes lose the scales.")
    download_model(run)
    source = dict(revision=run.commit, trust_remote_code=False, local_files_only=True)
    try:
        tokenizer = AutoTokenizer.from_pretrained(run.model_name, **source)
        model = AutoModelForCausalLM.from_pretrained(
            run.model_name, **source, use_safetensors=True, quantization_config=quantization(run, torch), device_map={"": run.device},
            dtype={"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}[run.precision])
    except (ValueError, KeyError, ImportError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise Failure("MODEL_UNSUPPORTED", "The model %s cannot be loaded: %s" % (run.model_name, str(error)[:800]))
    model.config.use_cache = False
    if run.quantization != "NONE":
        model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)
    try:
        model = get_peft_model(model, adapter_config(run))
    except ValueError as error:
        raise Failure("MODEL_UNSUPPORTED", "%s does not fit the model %s: %s" % (run.algorithm, run.model_name, str(error)[:800]))
    if run.algorithm in SUBTRACTED:
        run.subtract_start(model, SUBTRACTED[run.algorithm])
    if run.algorithm == "ADALORA":
        run.on_total, run.on_optimizer_step = adalora_schedule, lambda model, step: model.base_model.update_and_allocate(step)
        run.adapter_state_out, run.adapter_state_in = adalora_out, adalora_in
    return model, tokenizer


def quantization(run, torch):
    if run.quantization == "NONE":
        return None
    from transformers import BitsAndBytesConfig
    if run.quantization == "INT8":
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True,
                              bnb_4bit_compute_dtype=torch.float16 if run.precision == "fp16" else torch.bfloat16)


def adapter_config(run):
    import peft
    targets = run.targets or "all-linear"
    shared = dict(task_type="CAUSAL_LM", target_modules=targets)
    low_rank = dict(shared, r=run.rank, lora_alpha=run.alpha, lora_dropout=run.dropout)
    kronecker = dict(shared, r=run.rank, alpha=run.alpha, rank_dropout=run.dropout)
    makers = {
        "LORA": lambda: peft.LoraConfig(**low_rank),
        "QLORA": lambda: peft.LoraConfig(**low_rank),
        "DORA": lambda: peft.LoraConfig(**low_rank, use_dora=True),
        "RSLORA": lambda: peft.LoraConfig(**low_rank, use_rslora=True),
        "PISSA": lambda: peft.LoraConfig(**low_rank, init_lora_weights="pissa_niter_4"),
        "OLORA": lambda: peft.LoraConfig(**low_rank, init_lora_weights="olora"),
        "LOFTQ": lambda: peft.LoraConfig(**low_rank, init_lora_weights="loftq", loftq_config=peft.LoftQConfig(loftq_bits=4)),
        # The true number of steps is known once the trainer has packed its rows: on_total.
        "ADALORA": lambda: peft.AdaLoraConfig(**low_rank, target_r=run.rank, init_r=run.rank + (run.rank + 1) // 2, total_step=100, tinit=10, tfinal=30),
        "IA3": lambda: peft.IA3Config(task_type="CAUSAL_LM", target_modules=run.targets,
                                      feedforward_modules=[t for t in run.targets if t.endswith(FEEDFORWARD)] if run.targets else None),
        "VERA": lambda: peft.VeraConfig(**shared, r=run.rank, vera_dropout=run.dropout, projection_prng_key=run.seed),
        "OFT": lambda: peft.OFTConfig(**shared, r=run.rank, oft_block_size=0, module_dropout=run.dropout),
        "LOHA": lambda: peft.LoHaConfig(**kronecker),
        "LOKR": lambda: peft.LoKrConfig(**kronecker),
    }
    return makers[run.algorithm]()


def adalora_schedule(model, total):
    """A tenth to warm up, the last third at the final ranks."""
    config = model.peft_config["default"]
    config.total_step, config.tinit, config.tfinal = total, total // 10, max(1, total // 3)
    config.deltaT = max(1, total // 100)


def adalora_out(model, folder):
    """peft's file has the ranks that are left; to go on, every rank and the importance of each are needed."""
    import json
    from safetensors.torch import save_file
    allocator = model.base_model.rankallocator
    tensors = {"p." + n: p.detach().contiguous().cpu() for n, p in model.base_model.model.named_parameters() if "lora_" in n}
    for kind in ("ipt", "exp_avg_ipt", "exp_avg_unc"):
        tensors.update({kind + "." + n: t.contiguous().cpu() for n, t in getattr(allocator, kind).items()})
    save_file(tensors, os.path.join(folder, ADALORA_FILE), metadata={"rank_pattern": json.dumps(model.peft_config["default"].rank_pattern)})


def adalora_in(model, folder):
    import json
    import torch
    from safetensors import safe_open
    allocator, parameters = model.base_model.rankallocator, dict(model.base_model.model.named_parameters())
    with safe_open(os.path.join(folder, ADALORA_FILE), "pt") as source:
        model.peft_config["default"].rank_pattern = json.loads(source.metadata()["rank_pattern"])
        for key in source.keys():
            kind, name = key.split(".", 1)
            with torch.no_grad():
                value = source.get_tensor(key).to(parameters[name].device)
                parameters[name].copy_(value) if kind == "p" else getattr(allocator, kind).__setitem__(name, value)
    return True
