"""Writes CANARY_LINES numbered lines at about CANARY_RATE a second, in bursts, and one result.

With CANARY_GATES, a folder, it stops at each quarter until the file 1, 2 or 3 is in it.
A line is "POD NUMBER PADDING": whose it is, which one, and a text that is different for each number.
"""
import json
import os
import random
import sys
import time

GATES = os.environ.get("CANARY_GATES")
COUNT, RATE, POD = int(os.environ["CANARY_LINES"]), float(os.environ["CANARY_RATE"]), os.environ["RUNPOD_POD_ID"]

with open(sys.argv[1], encoding="utf-8") as source:
    paths = json.load(source)["paths"]
chance, begun, n = random.Random(POD), time.monotonic(), 0
while n < COUNT:
    quarter = COUNT if GATES is None else COUNT // 4 * (n * 4 // COUNT + 1)
    until = min(quarter, n + chance.randint(1, max(1, int(RATE / 2))))
    rows = ["%s %d %s\n" % (POD, k, "x" * (k * 7 % 97)) for k in range(n + 1, until + 1)]
    n = until
    sys.stdout.write("".join(rows))
    sys.stdout.flush()
    time.sleep(max(0.0, begun + n / RATE - time.monotonic()))
    while n == quarter < COUNT and not os.path.exists(os.path.join(GATES, str(n * 4 // COUNT))):
        time.sleep(0.02)
        begun += 0.02
with open(os.path.join(paths["results"], "done.json"), "w", encoding="utf-8") as out:
    json.dump({"lines": COUNT}, out)
