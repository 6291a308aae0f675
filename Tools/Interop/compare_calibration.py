#!/usr/bin/env python3
"""Puts the figures of bench_lookups.py and of `dhtnode simulate calibration` side by side; exits with 1 when the
simulated libtorrent is more than 15% off the real one, warm or cold, or when ours is slower than libtorrent."""

import argparse
import json
import statistics
import sys

TOLERANCE = 0.15
SIMULATED = {"ours": "ours", "libtorrent": "libtorrent-like", "libtorrent-eager": "libtorrent-like-eager"}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", nargs="+", help="of bench_lookups.py; several are taken together")
    parser.add_argument("--simulated", required=True, help="--out of dhtnode simulate calibration")
    options = parser.parse_args()
    with open(options.simulated) as file:
        figures = json.load(file)["figures"]
    simulated = {(f["state"], f["dead"], f["client"]): f for f in figures}
    real = read(options.results)
    misses = []
    print("state dead client             found   p50 ms  p90 ms  simulated p50  off")
    for key in sorted(real):
        state, dead, client = key
        found = sorted(value for value in real[key] if value is not None)
        if not found:
            misses.append(f"{state} {client}: nothing was found")
            continue
        p50, p90 = statistics.median(found) * 1000, found[min(len(found) - 1, int(0.9 * len(found)))] * 1000
        model = simulated.get((state, dead, SIMULATED[client]))
        off = model["p50"] * 1000 / p50 - 1 if model else None
        print(
            f"{state:5} {dead:<4g} {client:17} {len(found):4}/{len(real[key]):<4} {p50:6.0f}  {p90:6.0f}  "
            + (f"{model['p50'] * 1000:13.0f}  {off:+.0%}" if model else "            -")
        )
        if client == "libtorrent" and dead == 0 and (off is None or abs(off) > TOLERANCE):
            misses.append(f"{state}: the simulated libtorrent is not within {TOLERANCE:.0%}")
    for state, dead, client in real:
        if client != "ours" and median(real, state, dead, "ours") >= median(real, state, dead, client):
            misses.append(f"{state}, {dead:g} dead: ours is not faster than {client}")
    for miss in misses:
        print(f"MISSED: {miss}")
    sys.exit(1 if misses else 0)


def read(paths):
    """Seconds of each kind of lookup, None where nothing was found."""
    real = {}
    for path in paths:
        with open(path) as file:
            for record in map(json.loads, file):
                if record.get("event") == "lookup":
                    key = record["state"], record["dead"], record["client"]
                    real.setdefault(key, []).append(record["seconds"])
    return real


def median(real, state, dead, client):
    """What was not found took for ever."""
    return statistics.median([float("inf") if s is None else s for s in real.get((state, dead, client), [None])])


if __name__ == "__main__":
    main()
