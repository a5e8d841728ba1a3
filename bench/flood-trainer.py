"""For bench/flood.ts. With maxSteps 1 a flood: FLOOD_RATE lines a second for FLOOD_SECONDS, as far as whoever
reads them takes them. Otherwise a quiet job that writes FLOOD_QUIET_RATE lines a second for longer.

A line is "KIND NUMBER MILLISECONDS TEXT"; the last one is "end COUNT SECONDS".
"""
import json
import os
import sys
import time

with open(sys.argv[1], encoding="utf-8") as source:
    given = json.load(source)
is_flood = given["spec"]["maxSteps"] == 1
seconds = float(os.environ["FLOOD_SECONDS"])
rate = float(os.environ["FLOOD_RATE" if is_flood else "FLOOD_QUIET_RATE"])
lasts = seconds if is_flood else seconds + float(os.environ["FLOOD_AROUND_SECONDS"])
kind = "flood" if is_flood else "quiet"
text = "reading shard 17 of 64, 1843 tokens/s, queue depth 12, all ranks in sync"
if is_flood:
    time.sleep(float(os.environ["FLOOD_AROUND_SECONDS"]) / 2)
begun, n = time.monotonic(), 0
while time.monotonic() - begun < lasts:
    due = int((time.monotonic() - begun) * rate) - n
    if due <= 0:
        time.sleep(0.002)
        continue
    count = min(due, 1000)
    at = int(time.time() * 1000)
    data = "".join(["%s %d %d %s\n" % (kind, k, at, text) for k in range(n + 1, n + count + 1)]).encode()
    n += count
    while data:
        data = data[os.write(1, data):]
os.write(1, b"end %d %.3f\n" % (n, time.monotonic() - begun))
with open(os.path.join(given["paths"]["results"], "done.json"), "w", encoding="utf-8") as out:
    json.dump({"lines": n}, out)
