#!/usr/bin/env python3
"""magnetget beside libtorrent, aria2 and a floor without protocol: one magnet, one seeder, one run, in turn.

Each round starts every client afresh, in a rotating order, with nothing but the magnet and a bootstrap node of a
private DHT of libtorrent sessions. `floor` has one thread, `floor2` two (Tools/Benchmarks/floor.c). Files are fresh for
each download and removed after it: pages of tmpfs that were never touched cost more than hashing does, so all pay for
them alike. uTP is off at both libtorrent ends (--utp leaves it on).
The first round warms up: it is kept in the raw file and left out of the medians.

Raw JSON lines go to --output, a table to stderr, {"event": "summary"} to stdout. CPU is user + system as the
kernel counted it for the client's process (wait4); memory is the peak of RssAnon, so mapped files do not count.
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
from bench import GIB, HERE, ROOT, Helper, build_floor, conditions, make_payload, record, same_bytes

CLIENTS = ["magnetget", "libtorrent", "aria2", "floor", "floor2"]


def main():
    options = parse()
    prefix = rig.loopback_prefix()
    work = tempfile.mkdtemp(prefix="mainline-bench-", dir=options.tmpfs)
    raw = open(options.output, "a") if options.output else None
    helpers = []
    # Interrupted or terminated, the helpers still go: through `finally`.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        payload, floor = make_payload(work, options.size), build_floor(work)
        network = Helper("dht_network.py", "--nodes", str(options.nodes), "--prefix", prefix, helpers=helpers)
        bootstrap = network.wait_for("ready")["bootstrap"]
        utp = [] if options.utp else ["--no-utp"]
        seeder = Helper(
            *["seeder.py", "--file", payload, "--piece-length", str(options.piece_length)],
            *["--address", f"{prefix}.200", "--bootstrap", bootstrap, *utp],
            helpers=helpers,
        )
        torrent = seeder.wait_for("ready")
        seeder.wait_for("announced")
        bench = Bench(options, work, prefix, bootstrap, torrent, payload, floor, seeder, helpers)
        results = bench.run(raw)
        summarise(results, options)
    finally:
        for helper in reversed(helpers):
            helper.stop()
        shutil.rmtree(work, ignore_errors=True)


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=GIB, help="bytes of the payload")
    parser.add_argument("--piece-length", type=int, default=1 << 20)
    parser.add_argument("--rounds", type=int, default=5, help="counted rounds, after one that warms up")
    parser.add_argument("--clients", default=",".join(CLIENTS))
    parser.add_argument("--nodes", type=int, default=20, help="libtorrent nodes of the DHT")
    parser.add_argument("--utp", action="store_true", help="leave uTP on at both libtorrent ends")
    parser.add_argument("--magnetget", default=os.path.join(ROOT, ".build/release/magnetget"))
    parser.add_argument("--tmpfs", default="/dev/shm", help="folder for payload and downloads")
    parser.add_argument("--downloads", help="folder for the downloads, if not there: one on a disk, say")
    parser.add_argument("--sync", action="store_true", help="the clock stops when a `sync` behind the client has returned")
    parser.add_argument("--timeout", type=float, default=300, help="seconds for one download")
    parser.add_argument("--output", help="append raw JSON lines to this file")
    options = parser.parse_args()
    options.clients = options.clients.split(",")
    for client in options.clients:
        needed = {"magnetget": options.magnetget, "aria2": "aria2c"}.get(client)
        if client not in CLIENTS:
            rig.fail(f"--clients: {client} is none of {', '.join(CLIENTS)}")
        if needed and not shutil.which(needed):
            rig.fail(f"{client}: {needed} is not there; see Bootstrap/setup bench, or leave it out with --clients")
    return options


class Bench:
    def __init__(self, options, work, prefix, bootstrap, torrent, payload, floor, seeder, helpers):
        self.options, self.work, self.prefix, self.helpers = options, work, prefix, helpers
        self.bootstrap, self.torrent, self.payload, self.seeder = bootstrap, torrent, payload, seeder
        self.floor = floor
        for helper in helpers:
            helper.drain()

    def run(self, raw):
        results = []
        figures = conditions(
            size=self.options.size,
            piece_length=self.torrent["piece_length"],
            utp=self.options.utp,
            sync=self.options.sync,
            nodes=self.options.nodes,
        )
        record(raw, figures)
        for number in range(self.options.rounds + 1):
            turn = number % len(self.options.clients)
            for client in self.options.clients[turn:] + self.options.clients[:turn]:
                result = {"event": "download", "client": client, "round": number, "warm_up": number == 0}
                result |= self.download(client)
                record(raw, result)
                print(describe(result), file=sys.stderr, flush=True)
                results.append(result)
        return results

    def download(self, client):
        folder = tempfile.mkdtemp(prefix="mainline-download-", dir=self.options.downloads or self.work)
        sender = None
        if self.options.sync:
            os.sync()
        if client.startswith("floor"):
            sender = Helper(self.floor, "send", self.payload, f"{self.prefix}.210", helpers=self.helpers)
            serving, endpoint = sender, sender.wait_for("ready")["endpoint"]
        else:
            serving, endpoint = self.seeder, None
        try:
            before = serving.cpu_seconds()
            target = os.path.join(folder, os.path.basename(self.payload))
            run = Run(self.command(client, folder, endpoint), target, self.options)
            # The floor's sender has ended by now and is not read again.
            sent = None if sender else serving.cpu_seconds() - before
            same = run.exit_code == 0 and same_bytes(self.payload, target)
        finally:
            if sender:
                sender.stop()
                self.helpers.remove(sender)
            shutil.rmtree(folder)
        gib = self.options.size / GIB
        return run.figures(client, self.options.size) | {
            "bytes_equal": same,
            "seeder_cpu_seconds_per_gib": None if sent is None else round(sent / gib, 3),
        }

    def command(self, client, folder, endpoint):
        magnet, address = self.torrent["magnet"], f"{self.prefix}.{201 + CLIENTS.index(client)}"
        match client:
            case "magnetget":
                arguments = [self.options.magnetget, "get", magnet, "--bootstrap", self.bootstrap, "--bind", address]
                return arguments + ["--json", "-o", folder]
            case "libtorrent":
                arguments = [sys.executable, os.path.join(HERE, "downloader.py"), magnet, "--address", address]
                arguments += ["--bootstrap", self.bootstrap, "-o", folder, "--timeout", str(self.options.timeout)]
                return arguments + ([] if self.options.utp else ["--no-utp"])
            case "aria2":
                return [
                    *["aria2c", "--no-conf", f"--dir={folder}", f"--interface={address}"],
                    *["--enable-dht=true", "--enable-dht6=false", f"--dht-entry-point={self.bootstrap}"],
                    *[f"--dht-file-path={folder}/.dht", "--bt-enable-lpd=false", "--enable-peer-exchange=false"],
                    *["--seed-time=0", "--file-allocation=none", "--follow-torrent=mem", "--disable-ipv6=true"],
                    *["--summary-interval=0", "--show-console-readout=false", magnet],
                ]
            case "floor" | "floor2":
                target = os.path.join(folder, os.path.basename(self.payload))
                threads = client.removeprefix("floor") or "1"
                return [self.floor, "receive", endpoint, target, str(self.options.piece_length), threads]


class Run:
    """One client from start to exit, with what the kernel and its output say of it."""

    def __init__(self, command, target, options):
        self.started = time.monotonic()
        self.target = target
        self.lines = []
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        memory = rig.AnonymousMemory(process.pid)
        memory.start()
        reader = threading.Thread(target=self.read, args=(process.stdout,), daemon=True)
        reader.start()
        self.first_data = self.last_data = None
        self.wait(process, options)
        if options.sync:
            os.sync()
        self.wall = time.monotonic() - self.started
        self.is_synced = options.sync
        memory.stop()
        reader.join(timeout=5)
        self.peak_anonymous = memory.peak_bytes

    def wait(self, process, options):
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            self.look(options.size)
            if time.monotonic() - self.started > options.timeout + 10:
                process.kill()
            time.sleep(0.01)
        process.returncode = self.exit_code = os.waitstatus_to_exitcode(status)
        process.stdin.close()
        self.cpu_seconds = usage.ru_utime + usage.ru_stime

    def look(self, size):
        """When the first block is on tmpfs, and when all are: aria2 says neither."""
        if self.last_data is None and (blocks := allocated_bytes(self.target)):
            now = time.monotonic() - self.started
            self.first_data = self.first_data if self.first_data is not None else now
            if blocks >= size:
                self.last_data = now

    def read(self, stream):
        for line in stream:
            self.lines.append((time.monotonic() - self.started, line))

    def figures(self, client, size):
        metadata, complete = self.when("metadata"), self.when("completed")
        if client == "aria2":
            metadata, complete = self.when("[MEMORY][METADATA]"), self.last_data
        complete = self.wall if self.is_synced else complete
        # A client that allocates its files at once has all its blocks before any data.
        first = self.first_data if client in ("aria2", "floor", "floor2") or metadata is None else metadata
        span = complete - first if complete and first is not None and complete > first else None
        return {
            "exit_code": self.exit_code,
            "wall_seconds": round(self.wall, 3),
            "metadata_seconds": rounded(metadata),
            "first_data_seconds": rounded(first),
            "complete_seconds": rounded(complete),
            "megabytes_per_second": span and round(size / span / 1e6, 1),
            "cpu_seconds": round(self.cpu_seconds, 3),
            "cpu_seconds_per_gib": round(self.cpu_seconds / (size / GIB), 3),
            "peak_anonymous_bytes": self.peak_anonymous,
        }

    def when(self, what):
        """When a line with this event, or this text, came."""
        for seconds, line in self.lines:
            if line.startswith("{"):
                if json.loads(line).get("event") == what:
                    return seconds
            elif what in line:
                return seconds
        return None


def allocated_bytes(path):
    try:
        return os.stat(path).st_blocks * 512
    except FileNotFoundError:
        return 0


def rounded(seconds):
    return None if seconds is None else round(seconds, 3)


def describe(result):
    return (
        f"round {result['round']} {result['client']:<11} exit {result['exit_code']} equal {result['bytes_equal']}: "
        f"{result['megabytes_per_second']} MB/s, {result['cpu_seconds_per_gib']} s/GiB, metadata "
        f"{result['metadata_seconds']} s, wall {result['wall_seconds']} s, anonymous "
        f"{result['peak_anonymous_bytes'] / (1 << 20):.0f} MiB"
    )


FIGURES = [
    "megabytes_per_second",
    "cpu_seconds_per_gib",
    "seeder_cpu_seconds_per_gib",
    "metadata_seconds",
    "wall_seconds",
    "peak_anonymous_bytes",
]


def summarise(results, options):
    summary, failures = {}, 0
    header = ["client", "n", "MB/s", "CPU s/GiB", "seeder s/GiB", "metadata s", "wall s", "anonymous MiB"]
    print("\n" + " | ".join(header) + "   median (least-most)", file=sys.stderr)
    for client in options.clients:
        good = [r for r in results if r["client"] == client and r["bytes_equal"] and not r["warm_up"]]
        failures += sum(r["client"] == client and not r["bytes_equal"] for r in results)
        summary[client] = {"rounds": len(good)}
        cells = [client, str(len(good))]
        for figure in FIGURES:
            values = sorted(r[figure] for r in good if r[figure] is not None)
            if not values:
                cells.append("-")
                continue
            median, least, most = statistics.median(values), values[0], values[-1]
            summary[client][figure] = {"median": median, "least": least, "most": most}
            scale = 1 << 20 if figure.endswith("bytes") else 1
            cells.append(f"{median / scale:.4g} ({least / scale:.4g}-{most / scale:.4g})")
        print(" | ".join(cells), file=sys.stderr)
    rig.emit("summary", failures=failures, clients=summary)
    if failures:
        sys.exit(1)


if __name__ == "__main__":
    main()
