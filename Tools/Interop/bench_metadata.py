#!/usr/bin/env python3
"""From the start of a process to the metadata of a magnet, cold: magnetget, libtorrent, and aria2 a few times.

A DHT of libtorrent nodes on loopback, one libtorrent seeder; every client begins with nothing but the infohash and one
bootstrap node. uTP is off at libtorrent's ends: a seeder that holds uTP connections to clients that were killed
throttles TCP, and answers us at its ticks of half a second or not at all. One JSON line for each: `client`, `round`,
`seconds` until the event can be read, `loading_seconds`, the part of libtorrent's that Python takes to load it. All
take turns in a rotating order; the first round warms up and is left out of the medians. Exit code 1 when one
fails, or when magnetget's median is not below libtorrent's.
"""

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import rig
from bench import HERE, ROOT, Helper, conditions, make_payload, record


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20, help="counted rounds, after one that warms up")
    parser.add_argument("--aria2-rounds", type=int, default=0, help="rounds that aria2 takes part in: 11 s each")
    parser.add_argument("--nodes", type=int, default=20, help="libtorrent nodes of the DHT")
    parser.add_argument("--magnetget", default=os.path.join(ROOT, ".build/release/magnetget"))
    parser.add_argument("--timeout", type=float, default=60, help="seconds for one client")
    parser.add_argument("--output", help="append raw JSON lines to this file")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    raw = open(options.output, "a") if options.output else None
    helpers = []
    try:
        with tempfile.TemporaryDirectory(prefix="mainline-metadata-") as work:
            run(options, work, raw, helpers)
    finally:
        for helper in reversed(helpers):
            helper.stop()


def run(options, work, raw, helpers):
    prefix = rig.loopback_prefix()
    # Not so small that it could be whole between two looks of libtorrent's at its state.
    payload = make_payload(work, 32 << 20)
    target = os.path.join(work, "download")
    # Each client asks all nodes at once, again and again: more than libtorrent takes from one address.
    words = ["--nodes", str(options.nodes), "--prefix", prefix, "--lift-limits"]
    network = Helper("dht_network.py", *words, helpers=helpers)
    bootstrap = network.wait_for("ready")["bootstrap"]
    words = ["--file", payload, "--address", f"{prefix}.200", "--bootstrap", bootstrap, "--no-utp"]
    seeder = Helper("seeder.py", *words, helpers=helpers)
    magnet = seeder.wait_for("ready")["magnet"]
    seeder.wait_for("announced")
    for helper in helpers:
        helper.drain()
    record(raw, conditions(nodes=options.nodes, rounds=options.rounds))
    commands = {
        "magnetget": [options.magnetget, "--list", magnet, "--json", "--no-state", "--bind", f"{prefix}.201"],
        "libtorrent": [sys.executable, f"{HERE}/downloader.py", magnet, "--address", f"{prefix}.202", "-o", target],
        "aria2": ["aria2c", "--no-conf", f"--dir={target}", f"--interface={prefix}.203", "--bt-metadata-only=true"],
    }
    commands["libtorrent"] += ["--no-utp"]
    commands["aria2"] += [f"--dht-entry-point={bootstrap}", f"--dht-file-path={work}/dht", "--bt-enable-lpd=false"]
    commands["aria2"] += ["--disable-ipv6=true", magnet]
    seconds = {client: [] for client in commands}
    for number in range(options.rounds + 1):
        clients = [*commands][: 3 if number < options.aria2_rounds else 2]
        turn = number % len(clients)
        for client in clients[turn:] + clients[:turn]:
            bootstrap_words = [] if client == "aria2" else ["--bootstrap", bootstrap]
            line = {"event": "metadata", "client": client, "round": number, "warm_up": number == 0}
            line |= measure(commands[client] + bootstrap_words, options.timeout)
            shutil.rmtree(target, ignore_errors=True)
            record(raw, line)
            if line["seconds"] is None:
                rig.fail(f"{client} did not get the metadata within {options.timeout} s")
            if number or client == "aria2":
                seconds[client].append(line["seconds"] - line.get("loading_seconds", 0))
                if client == "libtorrent":
                    seconds.setdefault("libtorrent from its process's start", []).append(line["seconds"])
    summarise(seconds, raw)


def measure(command, timeout):
    """Runs a client until it has the metadata; when that was."""
    begun = time.monotonic()
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    timer = threading.Timer(timeout, process.kill)
    timer.start()
    line = {"seconds": None}
    for text in process.stdout:
        event = json.loads(text) if text.startswith("{") else {}
        if event.get("event") == "metadata" or "[METADATA]" in text:
            line["seconds"] = round(time.monotonic() - begun, 4)
            if "startup_seconds" in event:
                line["loading_seconds"] = event["startup_seconds"]
            break
    timer.cancel()
    process.kill()
    process.communicate()
    return line


def summarise(seconds, raw):
    medians = {}
    for client, values in seconds.items():
        if values:
            medians[client] = statistics.median(values)
            line = {"event": "summary", "client": client, "rounds": len(values), "median": round(medians[client], 4)}
            line |= {"least": round(min(values), 4), "most": round(max(values), 4)}
            record(raw, line)
            print(json.dumps(line), flush=True)
    if medians["magnetget"] >= medians["libtorrent"]:
        rig.fail("libtorrent was faster")


if __name__ == "__main__":
    main()
