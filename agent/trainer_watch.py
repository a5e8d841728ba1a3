"""Ends a worker whose work does not move: a watchdog thread beside the phases of a run."""
import json
import os
import signal
import threading
import time

from trainer_base import CODES, say, seconds, stop_wanted

TICK_SECONDS = 0.5
TELL_SECONDS = 15


class Watch:
    """PREPARE loading, nothing is bounded · DOWNLOAD bytes must come · TRAIN steps must come · FINISH saving.

    In PREPARE and DOWNLOAD SIGTERM ends the worker at once: there is nothing to save yet.
    """

    def __init__(self, word):
        self._word, self._lock, self._parent = word, threading.Lock(), os.getppid()
        self._phase, self._limit, self._measure, self._known = "PREPARE", None, None, None
        self.beat()
        signal.signal(signal.SIGTERM, lambda *_: stop_wanted.append(True))
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()

    def beat(self):
        self._moved = time.monotonic()

    step = beat

    def prepare(self):
        self._begin("PREPARE", None, None)

    def download(self, measure):
        """`measure` () → bytes that are there by now."""
        self._begin("DOWNLOAD", seconds("TRAINER_DOWNLOAD_STALL_SECONDS", 300), measure)

    def train(self):
        self._begin("TRAIN", seconds("TRAINER_STEP_STALL_SECONDS", 1800), None)

    def finish(self):
        self._begin("FINISH", None, None)

    def _begin(self, phase, limit, measure):
        with self._lock:
            self._phase, self._limit, self._measure, self._known = phase, limit, measure, None
            self.beat()

    def _look(self):
        told = time.monotonic()
        while not self._over.wait(TICK_SECONDS):
            if os.getppid() != self._parent:
                os._exit(1)   # the launcher is gone: nobody would hear of the results
            with self._lock:
                if stop_wanted and self._phase in ("PREPARE", "DOWNLOAD"):
                    self.leave("STOPPED", "Stopped before the first step.")
                if self._measure is not None:
                    there = self._measured()
                    if there != self._known:
                        self._known = there
                        self.beat()
                    if time.monotonic() - told > TELL_SECONDS:
                        told = time.monotonic()
                        say("downloading: %.1f MB are here" % ((there or 0) / 1e6))
                if self._limit is None or time.monotonic() - self._moved < self._limit:
                    continue
                if self._phase == "DOWNLOAD":
                    self.leave("DOWNLOAD_FAILED", "Not a byte of the download came for %g s." % self._limit)
                self.leave("TRAINING_STALLED", "No step ended for %g s." % self._limit)

    def _measured(self):
        """What was known where a file went while it was looked at: the watch goes on."""
        try:
            return self._measure()
        except OSError:
            return self._known

    def end(self, code, message, halvable=False):
        """Leaves the last word → exit code"""
        part = self._word + ".part"
        with open(part, "w", encoding="utf-8") as out:
            json.dump({"code": code, "message": message[:2000], "halvable": halvable}, out)
        os.replace(part, self._word)
        return CODES[code]

    def leave(self, code, message):
        """The exit code tells what no word can on a full disk."""
        try:
            self.end(code, message)
        finally:
            os._exit(CODES[code])
