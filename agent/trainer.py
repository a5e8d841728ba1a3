"""The trainer: `python3 trainer.py SPEC.json`. Reads JSON, never code; PROTOCOL.md §7 is its contract.

What it says: plain lines for people, `@metric {json}` once per event, and when it fails `@failure {json}` as its
last word with an exit code of its own. A backend is a module with `train(spec, paths, watch)`; those of LAUNCHED
run in worker processes that trainer_launch.py starts, one a GPU, and import their libraries inside.
"""
import importlib
import json
import os
import signal
import sys

from trainer_base import CODES, DISK_ERRORS, Failure, say, stop_wanted

BACKENDS = {"toy": "trainer_toy", "trl": "trainer_trl", "unsloth": "trainer_unsloth"}
LAUNCHED = ("trl", "unsloth")


def read_job(path):
    with open(path, encoding="utf-8") as source:
        job = json.load(source)
    spec, paths = job["spec"], job["paths"]
    for name in ("results", "checkpoints"):
        os.makedirs(paths[name], exist_ok=True)
    return spec, paths


def failure_of(error):
    """→ (code, message) of anything that a backend lets through."""
    if isinstance(error, Failure):
        return error.code, error.message
    if isinstance(error, MemoryError):
        return "OUT_OF_MEMORY", "The pod's memory is full."
    if isinstance(error, OSError) and error.errno in DISK_ERRORS:
        return "DISK_FULL", "The disk is full (%s)." % error.strerror
    if not isinstance(error, OSError):
        import traceback
        traceback.print_exception(type(error), error, error.__traceback__)
    return "TRAINER_CRASHED", "%s: %s" % (type(error).__name__, error)


def main(argv):
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="replace")
    if os.environ.get("TRAINER_WORD"):
        return work(argv[1], os.environ["TRAINER_WORD"])
    signal.signal(signal.SIGTERM, lambda *_: stop_wanted.append(True))
    try:
        spec, paths = read_job(argv[1])
        backend = str(spec.get("backend")).lower()
        if backend not in BACKENDS:
            raise Failure("BACKEND_UNKNOWN", "This trainer has no backend %r; it has: %s." % (backend[:40], ", ".join(BACKENDS)))
        if backend in LAUNCHED:
            from trainer_launch import launch
            word = launch(argv, spec)
            return last_word(*word) if word else 0
        importlib.import_module(BACKENDS[backend]).train(spec, paths, None)
        return 0
    except Exception as error:
        return last_word(*failure_of(error))


def work(path, word):
    """One worker: its last word goes to the launcher, by the file `word`."""
    from trainer_watch import Watch
    spec, paths = read_job(path)
    with Watch(word) as watch:
        try:
            importlib.import_module(BACKENDS[spec["backend"].lower()]).train(spec, paths, watch)
            return 0
        except Exception as error:
            return watch.end(*failure_of(error), halvable=getattr(error, "halvable", False))


def last_word(code, message):
    say("@failure " + json.dumps({"code": code, "message": message[:2000]}))
    return CODES[code]


if __name__ == "__main__":
    sys.exit(main(sys.argv))
