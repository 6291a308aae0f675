#!/usr/bin/env python3
"""A node ran in a private network and was stopped; started again with its state, it looks for peers at once.

    warm_restart.py [--rounds 7] [--nodes 50] [--output results/warm_restart.jsonl]

Nobody answers at the bootstrap endpoint of the second life: all that the node knows is in its state. Measured is the
time from its start to the first peer that a node of the network names. Exits with 1 unless the median is below a
second.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import servers


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--nodes", type=int, default=50)
    parser.add_argument("--output", help="raw JSON lines are appended here")
    options = parser.parse_args()
    raw = open(options.output, "a") if options.output else None
    times = []
    with servers.Lab() as lab, tempfile.TemporaryDirectory() as state:
        testnet = lab.start("testnet", [servers.program("dhtnode"), "testnet", "--nodes", str(options.nodes)])
        if not lookup(testnet.endpoint, "--no-state", "--announce", "4567", "--bind", "127.31.2.2")["announced_to"]:
            raise SystemExit("nobody took the announce")
        node = servers.node(lab, "127.31.2.1", "--state", f"{state}/first", "--bootstrap", testnet.endpoint)
        time.sleep(10)
        if node.stop() != 0:
            raise SystemExit("the node did not end cleanly")
        for number in range(options.rounds):
            # A copy each time: a life that finds more nodes would leave more to the next.
            shutil.copytree(f"{state}/first", f"{state}/{number}")
            started = time.monotonic()
            found = lookup("127.31.2.9:9", "--state", f"{state}/{number}", "--bind", "127.31.2.1")
            total = time.monotonic() - started
            line = {"round": number, "first_peer": found["first_peer"], "process_seconds": round(total, 3), **servers.machine()}
            if raw:
                print(json.dumps(line), file=raw, flush=True)
            times.append(found["first_peer"])
    print(f"first peer from the network {statistics.median(times):.3f} s after the start ({min(times):.3f}-{max(times):.3f}),", end=" ")
    print(f"{len(times)} restarts, {options.nodes} nodes, the bootstrap node silent")
    return 0 if statistics.median(times) < 1 else 1


def lookup(bootstrap, *options):
    """The `peers` event of a lookup by a node of its own."""
    arguments = [servers.program("dhtnode"), "peers", "5a" * 20, "--bootstrap", bootstrap, "--json", *options]
    run = subprocess.run(arguments, stdout=subprocess.PIPE, text=True, timeout=60)
    events = [json.loads(line) for line in run.stdout.splitlines()]
    for event in events:
        if event["event"] == "peers":
            return event
    raise SystemExit(f"the lookup found nothing: {events}")


if __name__ == "__main__":
    sys.exit(main())
