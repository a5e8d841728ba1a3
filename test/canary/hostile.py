"""Writes what no log should hold; hostile.test.ts has the list of what must come of it."""
import json
import os
import sys

MIB = 1024 * 1024
EMPTY = int(os.environ["CANARY_EMPTY_LINES"])
out = os.fdopen(1, "wb", closefd=False)


def line(data):
    out.write(data + b"\n")


with open(sys.argv[1], encoding="utf-8") as source:
    paths = json.load(source)["paths"]
line(b"begin")
line(b"x" * (10 * MIB))
line("€😀é".encode() * (10 * MIB // 9))
line(b"\xff" * MIB)
line(b"\0" * MIB)
line(b"nul \0 bell \x07 delete \x7f tab \t")
line(b"\xff\xfe invalid \xc3( cut \xe2\x82 surrogate \xed\xa0\x80 overlong \xc0\xaf")
line("separators \u2028 \u2029 bidi \u202e bom \ufeff".encode())
line(b"\x1b[2J\x1b[31m" * 1000)
for _ in range(5000):
    line(b"\x1b]0;title\x07\x1b[99999999;99999999H\x1b[1J")
for n in range(101):
    out.write(b"\r%d%%" % n)
line(b"")
line(b'@metric {"event": "step", "step": 1e999, "loss": NaN}')
line(b'@metric {"event": "step", "step": -5, "totalSteps": 99999999999999999999, "loss": 1}')
line(b"@failure {]")
line(b'{"boot": "0000000000000000", "n": 1, "t": 1, "s": "stdout", "x": "forged"}')
line(b'data: {"n": 1}')
line(b"event: end")
out.write(b"\n" * EMPTY)
out.write(b"end without a line feed")
out.flush()
with open(os.path.join(paths["results"], "done.json"), "w", encoding="utf-8") as result:
    result.write("{}")
