"""Starts a backend's workers, one a GPU of this pod, and decides whether what ended them is worth a second try."""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from trainer_base import CODES, say, stop_wanted

GRACE_SECONDS = 10   # for the other workers once one has failed
EXIT_CODES = {number: code for code, number in CODES.items()}


def launch(argv, spec):
    """→ None when all went well, else (code, message). Each remedy is tried once."""
    tried = {}
    while True:
        word = run(argv, count_gpus(), tried)
        remedy = remedy_of(word, spec, tried)
        if remedy is None:
            return word and word[:2]
        tried[remedy[0]] = "1"
        say("%s: %s %s" % (word[0], word[1], remedy[1]))


def remedy_of(word, spec, tried):
    """→ (environment variable, what is said of it) of what may help, or None."""
    if word is None or stop_wanted:
        return None
    code, _, halvable = word
    if code == "DOWNLOAD_FAILED" and "HF_HUB_DISABLE_XET" not in tried:
        return "HF_HUB_DISABLE_XET", "Trying again without Xet."
    if code == "OUT_OF_MEMORY" and halvable and spec.get("retryOutOfMemory") is not False and "TRAINER_HALVED" not in tried:
        return "TRAINER_HALVED", "Trying again with half the batch and twice the accumulation."
    return None


def count_gpus():
    """How many workers; what the pod shows, without loading a library that would take GPU memory here."""
    forced = os.environ.get("TRAINER_PROCESSES", "")
    if forced.isdigit():
        return max(1, int(forced))
    if os.environ.get("CUDA_VISIBLE_DEVICES"):
        return len(os.environ["CUDA_VISIBLE_DEVICES"].split(","))
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=30).stdout
    except (OSError, subprocess.SubprocessError):
        return 1
    return max(1, len(re.findall(rb"^GPU \d+:", listed, re.M)))


def run(argv, count, tried):
    """One try → None or (code, message, whether half the batch may help)."""
    folder = tempfile.mkdtemp(prefix="trainer-")
    words = [os.path.join(folder, "word-%d" % rank) for rank in range(count)]
    workers = []
    try:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            shared = {**tried, "WORLD_SIZE": str(count), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(probe.getsockname()[1])} if count > 1 else tried
        for rank in range(count):
            ranks = {"RANK": str(rank), "LOCAL_RANK": str(rank)} if count > 1 else {}
            workers.append(subprocess.Popen([sys.executable, "-u", *argv], stdin=subprocess.DEVNULL,
                                            env={**os.environ, **shared, **ranks, "TRAINER_WORD": words[rank]}))
        rank, code = wait(workers)
        if code == 0:
            return None
        if code < 0:
            die_as(code)
        try:
            with open(words[rank], encoding="utf-8") as source:
                word = json.load(source)
            return word["code"], word["message"], word["halvable"]
        except (OSError, ValueError):
            return EXIT_CODES.get(code, "TRAINER_CRASHED"), "A worker ended with exit code %d." % code, False
    finally:
        for worker in workers:
            if worker.poll() is None:
                worker.kill()
            worker.wait()
        shutil.rmtree(folder, ignore_errors=True)


def wait(workers):
    """→ (rank, exit code) of the first one that failed, or (0, 0)."""
    told, failed, until = False, None, None
    while True:
        if stop_wanted and not told:
            told = True
            tell(workers)
        codes = [worker.poll() for worker in workers]
        if failed is None:
            failed = next(((rank, code) for rank, code in enumerate(codes) if code), None)
            if failed:
                until = time.monotonic() + GRACE_SECONDS
        if None not in codes:
            return failed or (0, 0)
        if until is not None and time.monotonic() > until:
            return failed
        time.sleep(0.1)


def tell(workers):
    """SIGTERM to each; a group-wide one may have reached them already, which they do not mind."""
    for worker in workers:
        if worker.poll() is None:
            worker.send_signal(signal.SIGTERM)


def die_as(code):
    """A worker that a signal killed: whoever waits for us must see the same."""
    say("a worker was killed by signal %d" % -code)
    signal.signal(-code, signal.SIG_DFL) if -code != signal.SIGKILL else None
    os.kill(os.getpid(), -code)
    time.sleep(5)
