"""What every part of the trainer shares: its words, its failures, its numbers, its files."""
import errno
import hashlib
import json
import math
import os
import sys

# PROTOCOL.md §7.3
CODES = {"TRAINER_CRASHED": 1, "DATASET_INVALID": 10, "MODEL_NOT_FOUND": 11, "MODEL_GATED": 12, "OUT_OF_MEMORY": 13,
         "DISK_FULL": 14, "CUDA_MISMATCH": 15, "SPEC_INVALID": 16, "BACKEND_UNKNOWN": 17, "MODEL_UNSUPPORTED": 18,
         "DOWNLOAD_FAILED": 19, "STOPPED": 20, "TRAINING_STALLED": 21, "TRAINING_DIVERGED": 22}
DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
stop_wanted = []   # SIGTERM came
RANK = int(os.environ.get("RANK") or 0)   # of several processes only the first one speaks


class Failure(Exception):
    def __init__(self, code, message):
        super().__init__(message)
        self.code, self.message = code, message


def say(text):
    if RANK == 0:
        sys.stdout.write(text + "\n")    # one write: another thread's line must not come in between
        sys.stdout.flush()


def metric(event, **values):
    """One event. What is not a finite number goes out as null: it must be seen, and NaN is not JSON."""
    clean = {k: (v if not isinstance(v, float) or math.isfinite(v) else None) for k, v in values.items()}
    say("@metric " + json.dumps({"event": event, **clean}, separators=(",", ":")))


def numeric(spec, name, default, low, high, whole=False, above=False):
    value = spec.get(name)
    if value is None:
        return default
    fits = not isinstance(value, bool) and isinstance(value, int if whole else (int, float)) and math.isfinite(value)
    if not fits or not (low < value if above else low <= value) or value > high:
        raise Failure("SPEC_INVALID", "`%s` must be %s from %s to %s." % (name, "a whole number" if whole else "a number", low, high))
    return value


def choice(spec, name, default, *others):
    value = spec.get(name)
    value = default if value is None else value
    if value != default and value not in others:
        raise Failure("SPEC_INVALID", "`%s` must be one of: %s." % (name, ", ".join(map(str, (default, *others)))))
    return value


def seconds(name, default):
    """A limit from the environment; what is no number above 0 is the default."""
    try:
        value = float(os.environ.get(name) or default)
    except ValueError:
        return default
    return value if value > 0 else default


def write_file(path, data):
    with open(path + ".part", "wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    os.replace(path + ".part", path)
    return hashlib.sha256(data).hexdigest()


def file_sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as source:
        for block in iter(lambda: source.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()
