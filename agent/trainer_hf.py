"""What the trl and unsloth backends share: the run of a Hugging Face trainer around the adapter they load.

A backend gives `load(run)` → (model with its adapter, tokenizer). Libraries are imported inside the functions: the
launcher and the toy have none of them.
"""
import hashlib
import json
import math
import os
import random
import resource
import shutil
import tempfile
import time

from trainer_base import RANK, Failure, choice, metric, numeric, say, seconds, stop_wanted
from trainer_checkpoints import discard, make_room, newest_first, prune, seal, sound
from trainer_data import checked, open_dataset, preview
from trainer_divergence import Divergence
from trainer_fetch import fetch_url, hub_dataset

WORLD = int(os.environ.get("WORLD_SIZE") or 1)
# Members of the spec that may change between two attempts at one run
PASSING = ("backend", "dataset", "batchSize", "gradientAccumulationSteps", "checkpointSteps", "checkpointLimit", "checkpointBytes",
           "loggingSteps", "resumeFrom", "onDivergence", "retryOutOfMemory", "gradientCheckpointing")
RUN_FILE = "run.json"
# For tokenizers that have no template of their own; it is saved with them.
CHAT_TEMPLATE = ("{% for message in messages %}### {{ message['role'] }}:\n{{ message['content'] }}"
                 "{% if message['role'] == 'assistant' %}{{ eos_token }}{% endif %}\n\n{% endfor %}"
                 "{% if add_generation_prompt %}### assistant:\n{% endif %}")


class Run:
    """One run: the spec read and checked, the device, and what it comes to know on its way."""

    def __init__(self, spec, paths, watch, work):
        get = numeric
        self.spec, self.paths, self.watch, self.work = spec, paths, watch, work
        self.model_name, self.revision = spec.get("baseModel"), spec.get("modelRevision")
        if not isinstance(self.model_name, str) or not self.model_name or os.path.exists(self.model_name):
            raise Failure("SPEC_INVALID", "`baseModel` must look like owner/name.")
        self.algorithm = choice(spec, "algorithm", "LORA", "QLORA", "DORA", "RSLORA", "PISSA", "OLORA", "LOFTQ", "ADALORA", "IA3", "VERA",
                                "OFT", "LOHA", "LOKR")
        self.quantization = choice(spec, "quantization", "NONE", "INT8", "INT4", "NF4")
        if self.quantization == "INT4" or (self.algorithm == "QLORA" and self.quantization == "NONE"):
            self.quantization = "NF4"
        self.rank = get(spec, "rank", 16, 1, 1024, whole=True)
        self.alpha = get(spec, "alpha", 2.0 * self.rank, 0, 65536, above=True)
        self.dropout = get(spec, "dropout", 0.0, 0, 0.99)
        self.targets = spec.get("targetModules")
        if self.targets is not None and not (isinstance(self.targets, list) and self.targets and all(isinstance(t, str) and t for t in self.targets)):
            raise Failure("SPEC_INVALID", "`targetModules` must be a list of layer names.")
        self.seed = get(spec, "seed", 42, 0, 2 ** 32 - 1, whole=True)
        self.length = get(spec, "maxSequenceLength", 2048, 16, 131072, whole=True)
        self.validation = get(spec, "validationSplit", 0.0, 0, 0.9)
        self.every = get(spec, "checkpointSteps", 100, 1, 10 ** 9, whole=True)
        self.keep = get(spec, "checkpointLimit", 2, 1, 1000, whole=True)
        self.most_bytes = get(spec, "checkpointBytes", None, 1, 2 ** 53, whole=True)
        self.epochs = get(spec, "epochs", 3, 0, 1e6, above=True)
        self.max_steps = get(spec, "maxSteps", None, 1, 10 ** 9, whole=True)
        self.on_divergence = choice(spec, "onDivergence", "WARN", "STOP", "CONTINUE")
        self.batch, self.accumulation = self.batches()
        self.device, self.precision = device_of()
        self.commit = None
        self.is_patched = False     # by unsloth, which keeps or drops activations itself
        # What an algorithm wants beyond its configuration; a backend puts its own in their place.
        self.save = lambda model, folder: model.save_pretrained(folder)
        self.on_total = self.on_optimizer_step = self.adapter_state_out = self.adapter_state_in = lambda *_: None

    def subtract_start(self, model, name):
        """For a start that was taken out of the base model: what is saved is the difference to it, which fits the base as it was."""
        start = os.path.join(self.work, name + "_start")
        model.save_pretrained(start)
        self.save = lambda model, folder: model.save_pretrained(folder, path_initial_model_for_weight_conversion=start)

    def batches(self):
        """→ (rows a device, accumulation): several devices share the accumulation, half a batch doubles it."""
        batch = numeric(self.spec, "batchSize", 4, 1, 4096, whole=True)
        accumulation = numeric(self.spec, "gradientAccumulationSteps", 4, 1, 4096, whole=True)
        self.effective = batch * accumulation
        if os.environ.get("TRAINER_HALVED"):
            batch, accumulation = math.ceil(batch / 2), accumulation * 2
        if WORLD > 1:
            accumulation = math.ceil(accumulation / WORLD)
            say("%d GPUs: %d rows a step" % (WORLD, batch * accumulation * WORLD))
        return batch, accumulation

    def fingerprint(self, digest):
        same = {k: v for k, v in self.spec.items() if k not in PASSING}
        return hashlib.sha256(json.dumps([same, self.effective, digest], sort_keys=True).encode()).hexdigest()

    def find_checkpoint(self, fingerprint):
        """→ (step, folder) of the newest sound one of this run, or None. Its model commit is gone on with."""
        for step, path in newest_first(self.paths["checkpoints"]):
            try:
                sound(path)
                with open(os.path.join(path, RUN_FILE), encoding="utf-8") as source:
                    known = json.load(source)
                if known["fingerprint"] != fingerprint:
                    raise ValueError("it belongs to another job")
                self.revision = known["modelCommit"]
                return step, path
            except (OSError, ValueError, KeyError, TypeError) as error:
                say("checkpoint-%d is not usable: %s" % (step, error))
                discard(path)  # it must not pass for one of this run
        return None


def device_of():
    """→ ("cpu" or a GPU's number, "fp32", "fp16" or "bf16")"""
    import torch
    if os.environ.get("TRAINER_DEVICE") == "cpu":
        say("torch %s on the CPU" % torch.__version__)
        return "cpu", "fp32"
    if not torch.cuda.is_available():
        raise Failure("CUDA_MISMATCH", "torch %s (CUDA %s) finds no GPU that it can use: the driver may be too old." % (torch.__version__, torch.version.cuda))
    local = int(os.environ.get("LOCAL_RANK") or 0)
    torch.cuda.set_device(local)
    capability = torch.cuda.get_device_capability(local)
    if capability < (7, 0):
        raise Failure("CUDA_MISMATCH", "%s has compute capability %d.%d; at least 7.0 is needed." % (torch.cuda.get_device_name(local), *capability))
    precision = "bf16" if capability >= (8, 0) else "fp16"
    say("torch %s, CUDA %s, %d × %s, %s" % (torch.__version__, torch.version.cuda, WORLD, torch.cuda.get_device_name(local), precision))
    return local, precision


def quiet():
    """Before the libraries are imported: progress bars and telemetry are not for a log."""
    for name in ("HF_HUB_DISABLE_PROGRESS_BARS", "HF_HUB_DISABLE_TELEMETRY", "HF_DATASETS_DISABLE_PROGRESS_BARS"):
        os.environ[name] = "1"
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")    # or it starts processes that nothing here needs
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")


def run(spec, paths, watch, load):
    halvable = False
    with tempfile.TemporaryDirectory(prefix="trainer-") as work:
        try:
            state = Run(spec, paths, watch, work)
            halvable = state.batch > 1
            train(state, load)
        except Exception as error:
            raise typed(error, halvable)


def typed(error, halvable):
    """Memory and disk that ran out, or a GPU that the libraries are not built for, in whatever words a library says it."""
    if isinstance(error, Failure):
        return error
    text = "%s: %s" % (type(error).__name__, error)
    if any(words in text for words in ("OutOfMemoryError", "out of memory", "MemoryError", "can't allocate memory", "CUBLAS_STATUS_ALLOC_FAILED")):
        failure = Failure("OUT_OF_MEMORY", "The training needs more memory than there is. %s" % text[:500])
        failure.halvable = halvable
        return failure
    if disk_is_full(error):
        return Failure("DISK_FULL", "The disk is full. %s" % text[:300])
    if any(words in text for words in ("no kernel image is available", "driver version is insufficient", "driver on your system is too old")):
        return Failure("CUDA_MISMATCH", "The libraries do not fit this machine's GPU or driver. %s" % text[:300])
    return error


def disk_is_full(error):
    text = str(error)
    return any(words in text for words in ("No space left on device", "os error 28", "Disk quota exceeded", "File too large", "os error 27",
                                           "PytorchStreamWriter failed"))


def train(run, load):
    from transformers import set_seed
    set_seed(run.seed)
    data = open_dataset(run.spec, run.paths, fetch_url(run.watch), hub_dataset(run.watch))
    fingerprint = run.fingerprint(data.digest)
    found = run.find_checkpoint(fingerprint)
    model, tokenizer = load(run)
    add_template(tokenizer)
    train_rows, held_out = split(run, to_dataset(data, tokenizer, run.work), run.validation)
    trainer = make_trainer(run, model, tokenizer, train_rows, held_out, fingerprint)
    run.watch.train()
    began = time.monotonic()
    trainer.run_from(found)
    if stop_wanted and trainer.state.global_step < trainer.state.max_steps:
        raise Failure("STOPPED", "Stopped at step %d of %d; checkpoint-%d is complete."
                      % (trainer.state.global_step, trainer.state.max_steps, trainer.state.global_step))
    run.watch.finish()
    if RANK == 0:
        keep_room(run.paths, model)
        run.save(model, run.paths["results"])
        tokenizer.save_pretrained(run.paths["results"])
    metric("end", step=trainer.state.global_step, totalSteps=trainer.state.max_steps, epoch=trainer.state.epoch, loss=trainer.talk.loss,
           seconds=round(time.monotonic() - began, 3), peakMemoryBytes=peak_memory(run.device))


# ── rows ────────────────────────────────────────────────────────────────────────────────────────
def add_template(tokenizer):
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token
    if not tokenizer.chat_template:
        tokenizer.chat_template = CHAT_TEMPLATE


def to_dataset(data, tokenizer, work):
    """The rows on disk as Arrow: a dataset may be larger than the memory."""
    from datasets import Dataset
    if tokenizer.chat_template == CHAT_TEMPLATE:
        say("the tokenizer has no chat template; messages are written as `### role:` paragraphs")
    first = []

    def fits(row):
        if "messages" in row:
            try:
                tokenizer.apply_chat_template(row["messages"], tokenize=False)
            except Exception as error:
                raise ValueError("does not fit the model's chat template: %s" % error)

    def rows():
        for row in checked(data.rows(), fits):
            if len(first) < 3:
                first.append(row)
            yield row
    try:
        made = Dataset.from_generator(rows, cache_dir=os.path.join(work, "rows"), fingerprint=data.digest[:32])
    except Exception as error:
        while error is not None and not isinstance(error, Failure):
            error = error.__cause__ or error.__context__
        if error is None:
            raise
        raise error
    preview(first)
    return made


def split(run, rows, share):
    if not share:
        say("%d rows to train on, none held out" % len(rows))
        return rows, None
    held = min(max(1, round(share * len(rows))), len(rows) - 1)
    order = list(range(len(rows)))
    random.Random("split:%d" % run.seed).shuffle(order)
    say("%d rows to train on, %d held out" % (len(rows) - held, held))
    return rows.select(sorted(order[held:])), rows.select(sorted(order[:held]))


# ── the trainer ─────────────────────────────────────────────────────────────────────────────────
def arguments(run, has_held_out):
    from trl import SFTConfig
    spec = run.spec
    on_gpu = run.device != "cpu"
    optimizer = choice(spec, "optimizer", "adamw", "sgd", "adamw8bit")
    checkpointing = {} if run.is_patched else dict(
        activation_checkpointing=choice(spec, "gradientCheckpointing", on_gpu, True, False), activation_checkpointing_kwargs={"use_reentrant": False})
    made = SFTConfig(
        output_dir=os.path.join(run.paths["checkpoints"], "unfinished"), max_length=run.length, packing=bool(spec.get("packing")),
        eval_packing=False, per_device_train_batch_size=run.batch, per_device_eval_batch_size=run.batch,
        gradient_accumulation_steps=run.accumulation, num_train_epochs=run.epochs, max_steps=run.max_steps or -1,
        learning_rate=numeric(spec, "learningRate", 2e-4, 0, 1, above=True), warmup_steps=numeric(spec, "warmupSteps", 0, 0, 10 ** 9),
        weight_decay=numeric(spec, "weightDecay", 0.01, 0, 1), max_grad_norm=numeric(spec, "maxGradNorm", 1.0, 0, 1e9, above=True),
        lr_scheduler_type="linear", optim={"adamw": "adamw_torch", "sgd": "sgd", "adamw8bit": "paged_adamw_8bit"}[optimizer],
        seed=run.seed, data_seed=run.seed, logging_strategy="steps", logging_first_step=True, logging_nan_inf_filter=False,
        logging_steps=numeric(spec, "loggingSteps", 1, 1, 10 ** 9, whole=True), save_strategy="steps", save_steps=run.every,
        eval_strategy="steps" if has_held_out else "no", eval_steps=run.every, bf16=run.precision == "bf16", fp16=run.precision == "fp16",
        use_cpu=not on_gpu, **checkpointing,
        ddp_find_unused_parameters=False if WORLD > 1 else None, report_to="none", disable_tqdm=True)
    made._n_gpu = min(1, made.n_gpu)     # each GPU has its own worker: never torch's DataParallel
    return made


def make_trainer(run, model, tokenizer, rows, held_out, fingerprint):
    import torch
    from transformers import PrinterCallback, Trainer, TrainerCallback
    from trl import SFTTrainer

    class Sealing(SFTTrainer):
        """Its checkpoints are complete or not there."""

        def run_from(self, found):
            self.talk = talk
            if found and found[0] >= self.total():
                self._load_from_checkpoint(found[1])     # it had ended, and was lost before its results were
                self.state.global_step = self.state.max_steps = found[0]
                talk.on_train_begin(self.args, self.state, self.control)
                return
            self.train(resume_from_checkpoint=found[1] if found else None)

        def total(self):
            steps = max(1, math.ceil(len(self.get_train_dataloader()) / run.accumulation))
            return run.max_steps or math.ceil(run.epochs * steps)

        def _save_checkpoint(self, model, trial):
            keep_room(run.paths, self.model)
            part = os.path.join(self.args.output_dir, "checkpoint-%d" % self.state.global_step)
            try:
                self.write_checkpoint(model, trial, part)
            except Exception as error:
                if WORLD > 1 or not disk_is_full(error):
                    raise
                say("the disk is full: older checkpoints go")
                shutil.rmtree(part, ignore_errors=True)
                make_room(run.paths["checkpoints"])
                self.write_checkpoint(model, trial, part)
            run.watch.beat()

        def write_checkpoint(self, model, trial, part):
            shutil.rmtree(part, ignore_errors=True) if RANK == 0 else None
            self.accelerator.wait_for_everyone()
            Trainer._save_checkpoint(self, model, trial)     # trl's own writes a model card besides
            self.accelerator.wait_for_everyone()
            if RANK == 0:
                os.unlink(os.path.join(part, "training_args.bin"))
                with open(os.path.join(part, RUN_FILE), "w", encoding="utf-8") as out:
                    json.dump({"fingerprint": fingerprint, "modelCommit": run.commit}, out)
                run.adapter_state_out(self.model, part)
                seal(part, run.paths["checkpoints"], self.state.global_step, self.state.max_steps)
                prune(run.paths["checkpoints"], run.keep, run.most_bytes)
            self.accelerator.wait_for_everyone()

        def _load_from_checkpoint(self, path, model=None):
            if not run.adapter_state_in(self.model, path):
                super()._load_from_checkpoint(path, model)
            say("resumed from %s" % os.path.basename(path))

    class Talk(TrainerCallback):
        """Says what happens, and looks after it."""

        def __init__(self):
            self.loss, self.began, self.tokens = None, [], 0
            self.divergence = Divergence(run.on_divergence, run.precision)

        def on_train_begin(self, args, state, control, **_):
            run.on_total(model, state.max_steps)
            parameters = sum(p.numel() for p in model.parameters() if p.requires_grad)
            say("%s %s: %d steps of %d rows, %d trainable parameters" % (run.algorithm, run.model_name, state.max_steps, run.effective, parameters))
            metric("start", step=state.global_step, totalSteps=state.max_steps, rows=len(rows), trainableParameters=parameters)
            self.began.append((state.global_step, time.monotonic()))

        def on_optimizer_step(self, args, state, control, **_):
            run.on_optimizer_step(model, state.global_step)

        def on_substep_end(self, args, state, control, **_):
            run.watch.beat()

        on_prediction_step = on_substep_end

        def on_step_end(self, args, state, control, **_):
            run.watch.step()
            if self.stop_together():
                control.should_training_stop = control.should_save = True
                control.should_evaluate = False

        def stop_together(self):
            """Every worker stops at the same step, whichever heard of it first."""
            wanted = bool(stop_wanted)
            if WORLD == 1:
                return wanted
            flag = torch.tensor([float(wanted)], device=run.device if run.device == "cpu" else "cuda")
            torch.distributed.all_reduce(flag, torch.distributed.ReduceOp.MAX)
            if flag.item() and not wanted:
                stop_wanted.append(True)
            return bool(flag.item())

        def on_log(self, args, state, control, logs=None, **_):
            if RANK or "loss" not in logs:
                return
            self.began = self.began[-50:] + [(state.global_step, time.monotonic())]
            (first, since), (last, now) = self.began[0], self.began[-1]
            self.loss = logs["loss"]
            metric("step", step=state.global_step, totalSteps=state.max_steps, epoch=round(state.epoch or 0, 4), loss=self.loss,
                   learningRate=logs.get("learning_rate"), gradNorm=logs.get("grad_norm"), tokens=int(logs.get("num_tokens") or 0) or None,
                   stepsPerSecond=round((last - first) / max(1e-9, now - since), 4), peakMemoryBytes=peak_memory(run.device))
            self.divergence.look(state.global_step, self.loss, logs.get("grad_norm"))

        def on_evaluate(self, args, state, control, metrics=None, **_):
            if RANK == 0 and metrics:
                metric("eval", step=state.global_step, totalSteps=state.max_steps, epoch=round(state.epoch or 0, 4), evalLoss=metrics.get("eval_loss"))

    talk = Talk()
    if RANK == 0:
        shutil.rmtree(os.path.join(run.paths["checkpoints"], "unfinished"), ignore_errors=True)
    trainer = Sealing(model=model, args=arguments(run, held_out is not None), train_dataset=rows, eval_dataset=held_out,
                      processing_class=tokenizer, callbacks=[talk])
    trainer.remove_callback(PrinterCallback)
    left = len(trainer.train_dataset)
    if left == 0:
        raise Failure("DATASET_INVALID", "No row has anything to learn within `maxSequenceLength` %d: its prompts alone are longer." % run.length)
    if left < len(rows) and not trainer.args.packing:
        say("%d rows have nothing to learn within %d tokens and are left out" % (len(rows) - left, run.length))
    for parameter in model.parameters():
        if parameter.requires_grad and run.precision != "bf16":
            parameter.data = parameter.data.float()     # trl makes them bfloat16 on a quantized base, which fp16's scaler refuses
    return trainer


def keep_room(paths, model):
    """Older checkpoints go when the next one would not fit, then the run ends."""
    need = 12 * sum(p.numel() for p in model.parameters() if p.requires_grad) + (64 << 20)
    top = paths["checkpoints"]
    if shutil.disk_usage(top).free < need and RANK == 0:
        say("the disk is nearly full: older checkpoints go")
        make_room(top)
        if shutil.disk_usage(top).free < need:
            raise Failure("DISK_FULL", "A checkpoint needs %.1f GB; %.1f GB are free." % (need / 1e9, shutil.disk_usage(top).free / 1e9))


def peak_memory(device):
    if device == "cpu":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    import torch
    return torch.cuda.max_memory_reserved(device)
