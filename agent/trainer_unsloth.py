"""The unsloth backend: its own way to load a model and its adapter; everything else is shared."""
from trainer_base import Failure
from trainer_fetch import download_model
from trainer_hf import quiet, run

ALGORITHMS = ("LORA", "QLORA", "DORA", "RSLORA", "LOFTQ")
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def train(spec, paths, watch):
    quiet()
    import unsloth  # noqa: F401 – it must be there before the libraries that it changes
    run(spec, paths, watch, load)


def load(run):
    import torch
    from unsloth import FastLanguageModel
    if run.algorithm not in ALGORITHMS:
        raise Failure("SPEC_INVALID", "Unsloth does not train %s: use the trl backend." % run.algorithm)
    if run.algorithm == "LOFTQ" and run.quantization != "NONE":
        raise Failure("SPEC_INVALID", "LOFTQ wants a base model in full precision: `quantization` must be NONE.")
    if run.device == "cpu" and (run.algorithm == "LOFTQ" or run.quantization == "INT8"):
        raise Failure("CUDA_MISMATCH", "%s needs a GPU with Unsloth." % ("LOFTQ" if run.algorithm == "LOFTQ" else "INT8"))
    download_model(run)
    checkpointing = False if run.device == "cpu" or run.spec.get("gradientCheckpointing") is False else "unsloth"
    try:
        model, tokenizer = FastLanguageModel.from_pretrained(
            model_name=run.model_name, revision=run.commit, use_exact_model_name=True, trust_remote_code=False, max_seq_length=run.length,
            dtype={"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}[run.precision],
            load_in_4bit=run.quantization == "NF4", load_in_8bit=run.quantization == "INT8", load_in_16bit=run.quantization == "NONE",
            use_gradient_checkpointing=checkpointing, random_state=run.seed, **({} if run.device == "cpu" else {"device_map": {"": run.device}}))
        model = FastLanguageModel.get_peft_model(
            model, r=run.rank, target_modules=run.targets or TARGETS, lora_alpha=run.alpha, lora_dropout=run.dropout, bias="none",
            use_gradient_checkpointing=checkpointing, random_state=run.seed, use_rslora=run.algorithm == "RSLORA",
            **{"DORA": {"use_dora": True}, "LOFTQ": {"init_lora_weights": "loftq"}}.get(run.algorithm, {}))
    except (ValueError, KeyError, NotImplementedError) as error:
        raise Failure("MODEL_UNSUPPORTED", "Unsloth does not load %s this way: %s" % (run.model_name, str(error)[:800]))
    run.is_patched = True
    if run.algorithm == "LOFTQ":
        run.subtract_start(model, "loftq")
    return model, tokenizer
