#!/usr/bin/env python3
"""What a message, a table operation and an answer cost, and what the simulator makes of a core.

    micro.py [--rounds 5] [--nodes 10000] [--output results/micro.jsonl]

Each round measures every operation anew, in a process of its own: the median of 15 samples of at least 20 ms. Said are
the median, lowest and highest of the rounds, in nanoseconds, and the allocations of one operation (calls of malloc and its kin).
The simulator runs a network of `--nodes` in both configurations: events a second, and bytes of the process a node.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

import servers


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--nodes", type=int, default=10000, help="of the simulated networks; 0 leaves them out")
    parser.add_argument("--prefix", default="", help="only operations whose name begins so")
    parser.add_argument("--output", help="raw JSON lines are appended here")
    options = parser.parse_args()
    lines = []
    with tempfile.TemporaryDirectory(prefix="mainline-micro-") as folder:
        counter = f"{folder}/allocations.so"
        source = str(servers.HERE / "allocations.c")
        subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-shared", "-fPIC", "-o", counter, source], check=True)
        for number in range(options.rounds):
            lines += [{"event": "micro", "round": number, **line} for line in operations(counter, options.prefix)]
        for configuration in ["default", "compact"] if options.nodes else []:
            for number in range(options.rounds):
                lines.append({"round": number, **simulation(configuration, options.nodes, pathlib.Path(folder))})
    if options.output:
        with open(options.output, "a") as raw:
            for line in lines:
                print(json.dumps({**line, **servers.machine()}), file=raw)
    show(lines)


def operations(counter, prefix):
    command = [servers.program("microbenchmark"), prefix]
    output = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True, env={**os.environ, "LD_PRELOAD": counter})
    return [json.loads(line) for line in output.stdout.splitlines()]


def simulation(configuration, nodes, folder):
    name = {"default": "standard"}.get(configuration, configuration)
    command = [servers.program("dhtnode"), "simulate", "growth", "--sizes", str(nodes), "--lookups", "100", "--configuration", name]
    subprocess.run([*command, "--progress", "none", "--json", "--out", f"{folder}/out"], stdout=subprocess.DEVNULL, check=True)
    step = json.loads((folder / "out").read_text())["steps"][0]
    return {
        "event": "micro_simulator",
        "name": f"simulator, {nodes} nodes ({configuration})",
        "events_per_second": step["events"] / step["wall_seconds"],
        "bytes_per_node": step["bytes_per_node"],
    }


def show(lines):
    for name in dict.fromkeys(line["name"] for line in lines):
        rounds = [line for line in lines if line["name"] == name]
        if "nanoseconds" in rounds[0]:
            times = [line["nanoseconds"] for line in rounds]
            text = f"{statistics.median(times):8.1f} ns ({min(times):.1f}-{max(times):.1f}), {rounds[0]['allocations']:.2f} allocations"
        else:
            rates = [line["events_per_second"] / 1000 for line in rounds]
            text = f"{statistics.median(rates):.0f} k events/s ({min(rates):.0f}-{max(rates):.0f}), {rounds[0]['bytes_per_node']} bytes a node"
        print(f"{name:60} {text}")


if __name__ == "__main__":
    sys.exit(main())
