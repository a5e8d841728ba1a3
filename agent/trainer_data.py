"""Datasets of every source, format and shape as rows of three kinds; PROTOCOL.md §7.5.

A row becomes {"text"}, {"messages": [{"role", "content"}]} or {"prompt", "completion"}.
"""
import csv
import json
import os
import re
from collections import namedtuple

from trainer_base import Failure, file_sha256, say

MOST_FAULTS = 5
PREVIEW_ROWS, PREVIEW_CHARS = 3, 300
ROLES = {"human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant", "model": "assistant",
         "chatgpt": "assistant", "bot": "assistant", "system": "system", "tool": "tool"}
ALPACA = ("Below is an instruction that describes a task%s. Write a response that appropriately completes the request.\n\n"
          "### Instruction:\n%s\n\n%s### Response:\n")

# rows: a function that yields (row number from 1, raw row) anew in each call; digest: changes when the rows do
Dataset = namedtuple("Dataset", "name rows digest")


# ── shapes ──────────────────────────────────────────────────────────────────────────────────────
def read_row(row):
    """One row of any known shape in its common form; raises ValueError saying what is wrong with it."""
    if not isinstance(row, dict):
        raise ValueError("is not an object")

    def field(name, optional=False):
        value = row.get(name)
        if optional and value in (None, ""):
            return ""
        if not isinstance(value, str):
            raise ValueError("`%s` must be text" % name)
        return value

    if "text" in row:
        made = {"text": field("text")}
    elif "messages" in row:
        made = {"messages": turns(row["messages"], "messages", "role", "content", {})}
    elif "conversations" in row:
        made = {"messages": turns(row["conversations"], "conversations", "from", "value", ROLES)}
    elif "prompt" in row or "completion" in row:
        made = {"prompt": field("prompt"), "completion": field("completion")}
    elif "instruction" in row or "output" in row:
        extra = field("input", optional=True)
        task, answer = field("instruction"), field("output")
        if not (task + extra + answer).strip():
            raise ValueError("is empty")
        made = {"prompt": ALPACA % (", paired with an input that provides further context" if extra else "", task,
                                    "### Input:\n%s\n\n" % extra if extra else ""), "completion": answer}
    else:
        raise ValueError("has none of: text, messages, conversations, prompt and completion, instruction and output")
    if not plain_text(made).strip():
        raise ValueError("is empty")
    return made


def turns(value, name, who, what, roles):
    if not isinstance(value, list) or not value:
        raise ValueError("`%s` must be a list that is not empty" % name)
    for i, turn in enumerate(value, 1):
        if not isinstance(turn, dict) or not isinstance(turn.get(who), str) or not isinstance(turn.get(what), str):
            raise ValueError("`%s` turn %d needs `%s` and `%s` as text" % (name, i, who, what))
    return [{"role": roles.get(turn[who], turn[who]), "content": turn[what]} for turn in value]


def plain_text(row):
    if "messages" in row:
        return "".join("%s: %s\n" % (turn["role"], turn["content"]) for turn in row["messages"])
    return row["text"] if "text" in row else row["prompt"] + row["completion"]


def checked(rows, test=None):
    """Yields the rows in their common form, all of one kind; at the end a Failure names the wrong ones.

    `test` may raise ValueError for a row in its common form.
    """
    wrong, count, kind, first = [], 0, None, None
    for number, raw in rows:
        count += 1
        try:
            row = read_row(raw)
            if kind not in (None, set(row)):
                raise ValueError("has %s, but row %d has %s: all rows must be of one shape" % (words(row), first, words(kind)))
            if test is not None:
                test(row)
        except ValueError as error:
            wrong.append("row %d %s" % (number, error))
            if len(wrong) == MOST_FAULTS:
                break
            continue
        if kind is None:
            kind, first = set(row), number
        if not wrong:
            yield row
    if wrong:
        raise Failure("DATASET_INVALID", "; ".join(wrong) + (" …" if len(wrong) == MOST_FAULTS else ""))
    if count < 2:
        raise Failure("DATASET_INVALID", "The dataset has %d rows; at least 2 are needed." % count)
    say("%d rows of %s" % (count, words(kind)))


def words(names):
    return " and ".join("`%s`" % name for name in sorted(names, reverse=True))


def preview(rows):
    """The first rows, for whoever reads the log."""
    for number, row in enumerate(rows[:PREVIEW_ROWS], 1):
        text = json.dumps(row, ensure_ascii=False)
        say("row %d: %s%s" % (number, text[:PREVIEW_CHARS], "…" if len(text) > PREVIEW_CHARS else ""))


# ── formats ─────────────────────────────────────────────────────────────────────────────────────
def file_rows(path, kind):
    """Yields (row number from 1, row). JSONL counts file lines; CSV counts records after the header."""
    if kind == "jsonl":
        with open(path, "rb") as source:
            for number, line in enumerate(source, 1):
                line = line[3:] if number == 1 and line.startswith(b"\xef\xbb\xbf") else line
                if line.strip():
                    yield number, parse_line(line, number)
    elif kind == "json":
        with open(path, "rb") as source:
            data = parse_line(source.read(), None)
        if isinstance(data, dict):
            data = next((data[k] for k in ("data", "rows", "train") if isinstance(data.get(k), list)), None)
        if not isinstance(data, list):
            raise Failure("DATASET_INVALID", "The JSON file must be a list of rows, or an object with such a list in `data`.")
        yield from enumerate(data, 1)
    elif kind == "csv":
        yield from csv_rows(path)
    else:
        yield from parquet_rows(path)


def csv_rows(path):
    csv.field_size_limit(1 << 26)
    with open(path, encoding="utf-8-sig", newline="") as source:
        reader, number = csv.DictReader(source, strict=True), 0
        try:
            for number, row in enumerate(reader, 1):
                if None in row:
                    raise Failure("DATASET_INVALID", "row %d has more columns than the header" % number)
                yield number, row
        except UnicodeDecodeError:
            raise Failure("DATASET_INVALID", "row %d or later is not UTF-8" % (number + 1))
        except csv.Error as error:
            raise Failure("DATASET_INVALID", "row %d is not CSV: %s" % (number + 1, error))


def parquet_rows(path):
    try:
        import pyarrow.parquet
    except ImportError:
        raise Failure("DATASET_INVALID", "Parquet needs the trl or unsloth backend: here a dataset must be .jsonl, .json or .csv.")
    number = 0
    try:
        with pyarrow.parquet.ParquetFile(path) as table:
            for batch in table.iter_batches(1000):
                for row in batch.to_pylist():
                    number += 1
                    # A column that this row lacks is null there.
                    yield number, {name: value for name, value in row.items() if value is not None}
    except pyarrow.ArrowException as error:
        raise Failure("DATASET_INVALID", "The file is not Parquet after row %d: %s" % (number, error))


def parse_line(line, number):
    where = "row %d" % number if number else "The file"
    try:
        return json.loads(line.decode("utf-8-sig" if number is None else "utf-8"))
    except UnicodeDecodeError:
        raise Failure("DATASET_INVALID", "%s is not UTF-8" % where)
    except ValueError as error:
        raise Failure("DATASET_INVALID", "%s is not JSON: %s" % (where, error))
    except RecursionError:
        raise Failure("DATASET_INVALID", "%s is nested too deeply" % where)


def dataset_kind(name):
    extension = name.rsplit(".", 1)[-1].lower()
    if extension in ("jsonl", "ndjson"):
        return "jsonl"
    if extension in ("json", "csv", "parquet"):
        return extension
    raise Failure("DATASET_INVALID", "The dataset must be .jsonl, .json, .csv or .parquet (it is .%s)." % extension[:20])


# ── sources ─────────────────────────────────────────────────────────────────────────────────────
def open_dataset(spec, paths, fetch=None, hub=None):
    """`fetch` (url, folder) → path and `hub` (its name, split, revision) → Dataset serve the sources besides uploads."""
    source = spec.get("dataset") if isinstance(spec.get("dataset"), dict) else {}
    if source.get("url") is not None and fetch is not None:
        path = fetch(source["url"], paths["files"])
        name = os.path.basename(path)
    elif source.get("huggingFace") is not None and hub is not None:
        return hub(source["huggingFace"])
    else:
        name = source.get("file")
        if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
            raise Failure("DATASET_INVALID", "`dataset.file` must name an uploaded file%s." % ("" if fetch else "; the toy reads no other source"))
        path = os.path.join(paths["files"], name)
        if not os.path.isfile(path):
            raise Failure("DATASET_INVALID", "The dataset file %s was not uploaded." % name)
    kind = dataset_kind(name)
    say("dataset %s, %d bytes" % (name, os.path.getsize(path)))
    return Dataset(name, lambda: file_rows(path, kind), file_sha256(path))
