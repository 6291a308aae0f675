#!/usr/bin/env python3
"""The memory of one download from many seeders in large pieces: 2 GiB in pieces of 16 MiB from 50 libtorrent sessions.

One JSON line for each run: `peak_anonymous_bytes`, the highest RssAnon seen in /proc (mapped files do not count),
every 20 ms; `peak_peers` as magnetget counted them; `seconds`, `cpu_seconds`. Fails when a file is wrong, when not all
seeders were connected, or when the peak is above --limit. With --rates the seeders are slow, each list of rates a run:
the slower they are, the longer pieces stay open.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import rig
from bench import ROOT, Helper, conditions, make_payload, record, same_bytes

MIB = 1 << 20


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=2048 * MIB, help="bytes of the payload")
    parser.add_argument("--piece-length", type=int, default=16 * MIB)
    parser.add_argument("--seeders", type=int, default=50)
    parser.add_argument("--limit", type=int, default=48 * MIB, help="bytes of anonymous memory that are too many")
    parser.add_argument(
        "--rates", nargs="+", default=["0", "2000000", "4000000,1000000,250000"],
        help="one run for each: bytes per second of a seeder, dealt out in turn when there are several; 0: any",
    )
    parser.add_argument("--magnetget", default=os.path.join(ROOT, ".build/release/magnetget"))
    parser.add_argument("--tmpfs", default="/dev/shm", help="folder for payload and downloads")
    parser.add_argument("--timeout", type=float, default=300, help="seconds for one download")
    parser.add_argument("--output", help="append raw JSON lines to this file")
    options = parser.parse_args()
    work = tempfile.mkdtemp(prefix="mainline-memory-", dir=options.tmpfs)
    raw = open(options.output, "a") if options.output else None
    # Interrupted or terminated, the seeders still go: through `finally`.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    failures = 0
    try:
        payload = make_payload(work, options.size)
        chosen = {name: getattr(options, name) for name in ("size", "piece_length", "seeders")}
        record(raw, conditions(**chosen))
        for rates in options.rates:
            line = download(options, work, payload, rates)
            failures += not line["ok"]
            record(raw, line)
            print(json.dumps(line), flush=True)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    sys.exit(1 if failures else 0)


def download(options, work, payload, rates):
    prefix, helpers = rig.loopback_prefix(), []
    folder = os.path.join(work, "download")
    os.mkdir(folder)
    limits = [] if rates == "0" else ["--upload-limit", rates]
    try:
        seeders = Helper(
            *["seeders.py", "--file", payload, "--count", str(options.seeders), "--prefix", prefix],
            *["--piece-length", str(options.piece_length), *limits],
            helpers=helpers,
        )
        ready = seeders.wait_for("ready")
        seeders.drain()
        return {"event": "download", "rates": rates} | measure(options, folder, payload, ready, prefix)
    finally:
        for helper in helpers:
            helper.stop()
        shutil.rmtree(folder)


def measure(options, folder, payload, ready, prefix):
    command = [options.magnetget, ready["magnet"], "--bind", f"{prefix}.230", "--no-dht", "--network", "private"]
    command += ["--no-state", "--json", "--timeout", str(options.timeout), "-o", folder]
    for endpoint in ready["endpoints"]:
        command += ["--peer", endpoint]
    begun = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    memory = rig.AnonymousMemory(process.pid)
    memory.start()
    progress = [event for event in map(json.loads, process.stdout) if event["event"] == "progress"]
    _, status, usage = os.wait4(process.pid, 0)
    memory.stop()
    code = process.returncode = os.waitstatus_to_exitcode(status)
    peers = max((event["peers"] for event in progress), default=0)
    equal = code == 0 and same_bytes(payload, os.path.join(folder, ready["name"]))
    return {
        "ok": equal and peers == options.seeders and memory.peak_bytes <= options.limit,
        "exit_code": code,
        "bytes_equal": equal,
        "peak_anonymous_bytes": memory.peak_bytes,
        "peak_anonymous_mib": round(memory.peak_bytes / MIB, 1),
        "peak_peers": peers,
        "seconds": round(time.monotonic() - begun, 2),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 2),
    }


if __name__ == "__main__":
    main()
