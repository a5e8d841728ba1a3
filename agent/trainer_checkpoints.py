"""Checkpoints that are complete or not there; PROTOCOL.md §7.6.

Written under another name; the marker `COMPLETE` with every file's sha256 comes last, then the rename.
One that is being fetched (`HELD` names it) is spared as long as there is room.
"""
import json
import os
import re
import shutil
import time

from trainer_base import file_sha256, metric, say, write_file

MARKER = "COMPLETE"
HELD = "HELD"
HOLD_SECONDS = 600   # more than the owner's longest pause between two tries


def seal(part, top, step, total):
    """Makes the folder `part` the complete checkpoint of this step."""
    sums = {}
    for folder, _, names in os.walk(part):
        for name in sorted(names):
            path = os.path.join(folder, name)
            sync(path)
            sums[os.path.relpath(path, part).replace(os.sep, "/")] = file_sha256(path)
    write_file(os.path.join(part, MARKER), json.dumps({"step": step, "sha256": sums}).encode())
    final = os.path.join(top, "checkpoint-%d" % step)
    shutil.rmtree(final, ignore_errors=True)
    os.replace(part, final)
    sync(top)
    metric("checkpoint", step=step, totalSteps=total, path="checkpoints/checkpoint-%d" % step)


def sync(path):
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def newest_first(top):
    """(step, folder) of the complete ones."""
    found = []
    for name in os.listdir(top) if os.path.isdir(top) else []:
        match = re.fullmatch(r"checkpoint-(\d+)", name)
        if match and os.path.isfile(os.path.join(top, name, MARKER)):
            found.append((int(match[1]), os.path.join(top, name)))
    return sorted(found, reverse=True)


def sound(path):
    """Raises ValueError, KeyError or OSError unless every file is as its marker says."""
    with open(os.path.join(path, MARKER), encoding="utf-8") as source:
        sums = json.load(source)["sha256"]
    for name, digest in sums.items():
        inside = os.path.join(path, *name.split("/"))
        if ".." in name.split("/") or os.path.isabs(name) or file_sha256(inside) != digest:
            raise ValueError("%s is damaged" % name)


def size_of(path):
    return sum(os.path.getsize(os.path.join(folder, name)) for folder, _, names in os.walk(path) for name in names)


def held(top):
    """→ the folder that is being fetched, or None. A mark that nobody renews holds nothing: its reader is gone."""
    mark = os.path.join(top, HELD)
    try:
        with open(mark, encoding="utf-8") as source:
            path = os.path.join(top, source.read(100))
        age = abs(time.time() - os.stat(mark).st_mtime)     # a clock that was set back holds for no longer either
    except (OSError, ValueError):
        return None
    return path if age < HOLD_SECONDS else None


def prune(top, keep, most_bytes=None):
    """Keeps the newest `keep` as far as they fit into `most_bytes`, the newest in any case, and beyond them one that is held."""
    total, spared = 0, held(top)
    for i, (_, path) in enumerate(newest_first(top)):
        total += size_of(path)
        if path != spared and (i >= keep or (i > 0 and most_bytes is not None and total > most_bytes)):
            discard(path)


def make_room(top):
    """All but the newest go, one that is held too: to go on training is worth more."""
    spared = held(top)
    for _, path in newest_first(top)[1:]:
        if path == spared:
            say("%s goes before it has been fetched" % os.path.basename(path))
        discard(path)


def discard(path):
    """The marker goes first: a half-deleted checkpoint must not look complete. Several workers may do it at once."""
    try:
        os.unlink(os.path.join(path, MARKER))
    except FileNotFoundError:
        pass
    shutil.rmtree(path, ignore_errors=True)
