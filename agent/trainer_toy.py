"""The toy backend: a tiny character model in pure Python, trained by real gradient descent."""
import array
import hashlib
import itertools
import json
import math
import os
import random
import re
import shutil
import struct
import sys
import time
from operator import mul

from trainer_base import Failure, metric, numeric, say, stop_wanted, write_file
from trainer_checkpoints import discard, newest_first, prune, seal, sound
from trainer_data import checked, open_dataset, plain_text


def safetensors(tensors):
    """Bytes of a safetensors file: u64 header length, JSON header padded to 8, F32 little-endian data.

    Source: github.com/huggingface/safetensors, README "Format".
    """
    header, blobs, offset = {"__metadata__": {"format": "pt"}}, [], 0
    for name in sorted(tensors):
        rows = tensors[name]
        values = array.array("f", (v for row in rows for v in row))
        if sys.byteorder == "big":
            values.byteswap()
        blob = values.tobytes()
        header[name] = {"dtype": "F32", "shape": [len(rows), len(rows[0])], "data_offsets": [offset, offset + len(blob)]}
        blobs.append(blob)
        offset += len(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(blobs)


# ── toy: a frozen one-hidden-layer character bigram model and a real low-rank adapter on both layers ──
VOCABULARY = "\n" + "".join(map(chr, range(32, 127))) + "\x00"   # the last one stands for every other character
CODE_OF = {c: i for i, c in enumerate(VOCABULARY)}
V, D, H = len(VOCABULARY), 12, 16
MOST_ROWS = 20000
LR_SCALE = 50   # a model this small needs larger steps than the rates people use for language models
SHAPES = (("in_proj.lora_A", "R", D), ("in_proj.lora_B", H, "R"), ("out_proj.lora_A", "R", H), ("out_proj.lora_B", V, "R"))


def matrix(rng, rows, columns, deviation):
    return [[rng.gauss(0, deviation) for _ in range(columns)] for _ in range(rows)]


def dot(a, b):
    return sum(map(mul, a, b))


def product(a, b):
    """a · b for row lists."""
    columns = list(zip(*b))
    return [[sum(map(mul, row, column)) for column in columns] for row in a]


def transposed(a):
    return list(map(list, zip(*a)))


class Toy:
    def __init__(self, name, rank, scale, seed):
        frozen = random.Random("frozen:" + name)
        self.embed = matrix(frozen, V, D, 1.0)
        self.w1, self.w2 = matrix(frozen, H, D, D ** -0.5), matrix(frozen, V, H, 0.3 * H ** -0.5)
        self.rank, self.scale = rank, scale
        start = random.Random("adapter:%d" % seed)
        self.params = [matrix(start, rank, D, D ** -0.5), [[0.0] * rank for _ in range(H)],
                       matrix(start, rank, H, H ** -0.5), [[0.0] * rank for _ in range(V)]]

    def merged(self, masks=None):
        """Frozen weights plus scale · B · A, with A's inputs dropped by `masks`."""
        a1, b1, a2, b2 = self.params
        if masks:
            a1, a2 = ([list(map(mul, row, mask)) for row in a] for a, mask in zip((a1, a2), masks))
        s, w = self.scale, []
        for base, b, a in ((self.w1, b1, a1), (self.w2, b2, a2)):
            w.append([[x + s * y for x, y in zip(r, q)] for r, q in zip(base, product(b, a))])
        return w[0], w[1], a1, a2

    def forward(self, w1, w2, code):
        x = self.embed[code]
        h = [math.tanh(dot(row, x)) for row in w1]
        logits = [dot(row, h) for row in w2]
        top = max(logits)
        e = [math.exp(v - top) for v in logits]
        return x, h, e, sum(e), top, logits

    def loss(self, counts):
        w1, w2, _, _ = self.merged()
        total = seen = 0
        for code, following in counts.items():
            _, _, _, z, top, logits = self.forward(w1, w2, code)
            norm = top + math.log(z)
            for nxt, n in following.items():
                total += n * (norm - logits[nxt])
                seen += n
        return total / seen

    def gradients(self, counts, masks):
        """→ (mean loss, gradients of params), by hand: every context is computed once for all its successors."""
        w1, w2, a1, a2 = self.merged(masks)
        w2_columns = list(zip(*w2))
        seen = sum(sum(f.values()) for f in counts.values())
        total, xs, hs, d1, d2 = 0.0, [], [], [], []
        for code in sorted(counts):
            x, h, e, z, top, logits = self.forward(w1, w2, code)
            following = counts[code]
            share = sum(following.values()) / (z * seen)
            delta = [v * share for v in e]
            norm = top + math.log(z)
            for nxt, n in sorted(following.items()):
                total += n * (norm - logits[nxt])
                delta[nxt] -= n / seen
            back = [dot(column, delta) * (1 - v * v) for column, v in zip(w2_columns, h)]
            xs.append(x), hs.append(h), d1.append(back), d2.append(delta)
        out = []
        for deltas, inputs, a, b in ((d1, xs, a1, self.params[1]), (d2, hs, a2, self.params[3])):
            full = product(transposed(deltas), inputs)      # d loss / d merged weight
            grad_a = product(transposed(b), full)
            grad_b = product(full, transposed(a))
            out += [[[v * self.scale for v in row] for row in g] for g in (grad_a, grad_b)]
        if masks:
            out[0], out[2] = ([list(map(mul, row, m)) for row in g] for g, m in zip((out[0], out[2]), masks))
        return total / seen, out


def successors(text, length):
    """Counts of (character → next character) in the first `length` characters, the row's start being a newline."""
    codes = [CODE_OF.get(c, V - 1) for c in text[:length]]
    counts = {}
    for a, b in zip([0] + codes, codes + [0]):
        counts.setdefault(a, {})
        counts[a][b] = counts[a].get(b, 0) + 1
    return counts


def merge(parts):
    total = {}
    for counts in parts:
        for a, following in counts.items():
            into = total.setdefault(a, {})
            for b, n in following.items():
                into[b] = into.get(b, 0) + n
    return total


class ToyRun:
    """One training run; everything that a step needs follows from (spec, dataset, step) and the saved state."""

    def __init__(self, spec, paths):
        self.spec, self.paths = spec, paths
        get = numeric
        self.rank = get(spec, "rank", 8, 1, 256, whole=True)
        self.alpha = get(spec, "alpha", 2.0 * self.rank, 0, 1e6, above=True)
        self.dropout = get(spec, "dropout", 0.0, 0, 0.99)
        self.lr = get(spec, "learningRate", 2e-4, 0, 1, above=True)
        self.seed = get(spec, "seed", 42, 0, 2 ** 53, whole=True)
        self.batch = get(spec, "batchSize", 4, 1, 4096, whole=True) * get(spec, "gradientAccumulationSteps", 1, 1, 4096, whole=True)
        self.length = min(get(spec, "maxSequenceLength", 256, 2, 1 << 20, whole=True), 512)
        self.clip = get(spec, "maxGradNorm", 1.0, 0, 1e9, above=True)
        self.decay = get(spec, "weightDecay", 0.01, 0, 1)
        self.every = get(spec, "checkpointSteps", 100, 1, 10 ** 9, whole=True)
        self.keep = get(spec, "checkpointLimit", 2, 1, 1000, whole=True)
        self.logging = get(spec, "loggingSteps", 1, 1, 10 ** 9, whole=True)
        self.optimizer = spec.get("optimizer") or "adamw"
        if self.optimizer not in ("adamw", "sgd"):
            raise Failure("SPEC_INVALID", "`optimizer` must be adamw or sgd.")
        self.name = spec.get("baseModel")
        if not isinstance(self.name, str) or not re.fullmatch(r"\w[\w.-]{0,95}(/\w[\w.-]{0,95})?", self.name):
            raise Failure("SPEC_INVALID", "`baseModel` must look like owner/name.")
        self.check_hub()
        self.algorithm = spec.get("algorithm") or "LORA"
        data = open_dataset(spec, paths)
        texts = [plain_text(row) for row in itertools.islice(checked(data.rows()), MOST_ROWS)]
        self.data_sha256 = data.digest
        self.split(texts)
        per_epoch = math.ceil(len(self.train) / self.batch)
        self.per_epoch = per_epoch
        self.total = get(spec, "maxSteps", None, 1, 10 ** 9, whole=True) or math.ceil(get(spec, "epochs", 3, 0, 1e6, above=True) * per_epoch)
        warm = get(spec, "warmupSteps", 0, 0, 10 ** 9)
        self.warm = math.ceil(warm * self.total) if 0 < warm < 1 else int(warm)
        self.scale = self.alpha / (math.sqrt(self.rank) if self.algorithm == "RSLORA" else self.rank)
        self.model = Toy(self.name, self.rank, self.scale, self.seed)
        self.moments = [[[[0.0] * len(row) for row in p] for p in self.model.params] for _ in range(2)]
        self.step = 0

    def check_hub(self):
        """The toy's stand-in for the model hub: owner `missing` has no models, those of `gated` want a token."""
        owner = self.name.split("/")[0]
        if owner == "missing":
            raise Failure("MODEL_NOT_FOUND", "There is no model %s." % self.name)
        if owner == "gated" and not os.environ.get("HF_TOKEN"):
            raise Failure("MODEL_GATED", "The model %s needs a Hugging Face token with access." % self.name)

    def split(self, texts):
        share = numeric(self.spec, "validationSplit", 0.0, 0, 0.9)
        order = list(range(len(texts)))
        random.Random("split:%d" % self.seed).shuffle(order)
        held = min(max(1, round(share * len(texts))), len(texts) - 1) if share else 0
        windows = [successors(text, self.length) for text in texts]
        self.train = [windows[i] for i in sorted(order[held:])]
        self.held_out = merge(windows[i] for i in order[:held]) if held else None
        say("%d rows to train on, %d held out" % (len(self.train), held))

    def fingerprint(self):
        same = {k: v for k, v in self.spec.items() if k not in ("checkpointSteps", "checkpointLimit", "loggingSteps")}
        return hashlib.sha256(json.dumps([same, self.data_sha256, self.total], sort_keys=True).encode()).hexdigest()

    def epoch(self):
        return round(self.step * self.batch / len(self.train), 4)

    def rate(self, step):
        if step <= self.warm:
            return self.lr * step / self.warm
        return self.lr * max(0.0, (self.total - step + 1) / max(1, self.total - self.warm))

    def batch_at(self, step):
        rows, first = [], (step - 1) * self.batch
        for position in range(first, first + self.batch):
            epoch, place = divmod(position, len(self.train))
            if getattr(self, "_epoch", None) != epoch:
                self._epoch, self._order = epoch, list(range(len(self.train)))
                random.Random("epoch:%d:%d" % (self.seed, epoch)).shuffle(self._order)
            rows.append(self.train[self._order[place]])
        return merge(rows)

    def masks(self, step):
        if not self.dropout:
            return None
        rng, keep = random.Random("dropout:%d:%d" % (self.seed, step)), 1 - self.dropout
        return [[1 / keep if rng.random() < keep else 0.0 for _ in range(n)] for n in (D, H)]

    def advance(self):
        step = self.step + 1
        loss, grads = self.model.gradients(self.batch_at(step), self.masks(step))
        norm = math.sqrt(sum(v * v for g in grads for row in g for v in row))
        factor = self.clip / norm if norm > self.clip else 1.0
        rate = self.rate(step)
        self.apply(grads, factor, rate * LR_SCALE, step)
        self.step = step
        return loss, norm, rate

    def apply(self, grads, factor, lr, step):
        b1, b2, eps = 0.9, 0.999, 1e-8
        c1, c2 = 1 - b1 ** step, 1 - b2 ** step
        for k, (param, grad) in enumerate(zip(self.model.params, grads)):
            for i, (prow, grow) in enumerate(zip(param, grad)):
                if self.optimizer == "sgd":
                    param[i] = [p - lr * factor * g for p, g in zip(prow, grow)]
                    continue
                m = self.moments[0][k][i] = [b1 * o + (1 - b1) * factor * g for o, g in zip(self.moments[0][k][i], grow)]
                v = self.moments[1][k][i] = [b2 * o + (1 - b2) * (factor * g) ** 2 for o, g in zip(self.moments[1][k][i], grow)]
                param[i] = [p - lr * (x / c1 / (math.sqrt(y / c2) + eps) + self.decay * p) for p, x, y in zip(prow, m, v)]

    # ── results and checkpoints ──
    def adapter_files(self):
        tensors = {"base_model.model.%s.weight" % name: p for (name, _, _), p in zip(SHAPES, self.model.params)}
        config = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": self.name, "r": self.rank,
                  "lora_alpha": self.alpha, "lora_dropout": self.dropout, "target_modules": ["in_proj", "out_proj"],
                  "use_rslora": self.algorithm == "RSLORA", "use_dora": False, "bias": "none", "fan_in_fan_out": False,
                  "inference_mode": True, "init_lora_weights": True, "modules_to_save": None, "revision": None}
        return {"adapter_model.safetensors": safetensors(tensors),
                "adapter_config.json": (json.dumps(config, indent=2, sort_keys=True) + "\n").encode()}

    def checkpoint(self):
        top = self.paths["checkpoints"]
        if (self.step, os.path.join(top, "checkpoint-%d" % self.step)) in newest_first(top):
            return
        part = os.path.join(top, "checkpoint-%d.part" % self.step)
        shutil.rmtree(part, ignore_errors=True)
        os.makedirs(part)
        state = array.array("d", (v for group in (self.model.params, *self.moments) for p in group for row in p for v in row))
        files = {**self.adapter_files(), "optimizer.f64": state.tobytes(),
                 "trainer_state.json": json.dumps({"step": self.step, "fingerprint": self.fingerprint(), "byteOrder": sys.byteorder}).encode()}
        for name, data in files.items():
            write_file(os.path.join(part, name), data)
        seal(part, top, self.step, self.total)
        prune(top, self.keep)

    def resume(self):
        for step, path in newest_first(self.paths["checkpoints"]):
            try:
                sound(path)
                self.load(step, path)
                return
            except (OSError, ValueError, KeyError, TypeError) as error:
                say("checkpoint-%d is not usable: %s" % (step, error))
                discard(path)  # it must not pass for one of this run

    def load(self, step, path):
        def read(name):
            with open(os.path.join(path, name), "rb") as source:
                return source.read()

        state = json.loads(read("trainer_state.json"))
        if state["fingerprint"] != self.fingerprint() or state["byteOrder"] != sys.byteorder:
            raise ValueError("it belongs to another job")
        values = array.array("d")
        values.frombytes(read("optimizer.f64"))
        rest = iter(values)
        groups = [[[[next(rest) for _ in row] for row in p] for p in group] for group in (self.model.params, *self.moments)]
        self.model.params, self.moments, self.step = groups[0], groups[1:], int(state["step"])
        say("resumed from checkpoint-%d" % step)


def train(spec, paths, _watch):
    delay = float(os.environ.get("TOY_STEP_DELAY_MS") or 0) / 1000   # emulators and tests pace it
    say("This is the toy trainer: a tiny character model in pure Python, real gradient descent, no language model.")
    run = ToyRun(spec, paths)
    if run.algorithm != "LORA":
        say("the toy trains %s as a plain low-rank adapter" % run.algorithm)
    run.resume()
    say("model %s: rank %d, alpha %g, scale %g; %d steps of %d rows; %s at learning rate %g (times %d for a model this small)"
        % (run.name, run.rank, run.alpha, run.scale, run.total, run.batch, run.optimizer, run.lr, LR_SCALE))
    metric("start", step=run.step, totalSteps=run.total, rows=len(run.train), trainableParameters=run.rank * (D + H + H + V))
    began, from_step, loss = time.monotonic(), run.step, None
    while run.step < run.total:
        loss, norm, rate = run.advance()
        if run.step % run.logging == 0 or run.step in (1, run.total):
            metric("step", step=run.step, totalSteps=run.total, epoch=run.epoch(), loss=loss,
                   learningRate=rate, gradNorm=norm, stepsPerSecond=round((run.step - from_step) / max(1e-9, time.monotonic() - began), 3))
        if not math.isfinite(loss):
            raise Failure("TRAINER_CRASHED", "The loss is no longer a number (step %d)." % run.step)
        if run.held_out and (run.step == run.total or run.step % run.every == 0):
            metric("eval", step=run.step, totalSteps=run.total, epoch=run.epoch(), evalLoss=run.model.loss(run.held_out))
        if run.step % run.every == 0 or run.step == run.total:
            run.checkpoint()
        if stop_wanted and run.step < run.total:
            run.checkpoint()
            raise Failure("STOPPED", "Stopped at step %d of %d; checkpoint-%d is complete." % (run.step, run.total, run.step))
        if delay:
            time.sleep(delay)
    for name, data in run.adapter_files().items():
        write_file(os.path.join(paths["results"], name), data)
    metric("end", step=run.step, totalSteps=run.total, epoch=run.epoch(), loss=loss, seconds=round(time.monotonic() - began, 3))
