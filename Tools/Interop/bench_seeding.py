#!/usr/bin/env python3
"""What serving costs: seeders in turn serve 2 GiB to one downloader, on tmpfs, plaintext TCP, one connection.

Each pair is `SEEDER` (to libtorrent) or `SEEDER>DOWNLOADER`; `floor` and `floor2` send a file with sendfile and take it
without any protocol (Tools/Benchmarks/floor.c). A seeder is started, checks what it has, and is measured from when it
listens and rests until a download is complete, and once more with the next: the CPU of its process by /proc, the rate
from the metadata on.
The order rotates; the first round warms up and is left out of the medians. Raw JSON lines go to --output.

It runs in a network namespace of its own, as root: rTorrent wants no peers on 127.0.0.0/8.
"""

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import libtorrent as lt

import rig
import wire
from bench import GIB, HERE, ROOT, Helper, build_floor, conditions, make_payload, record, same_bytes

# `rtorrent` is left out: nobody has got it to serve here yet.
PAIRS = ["magnetget", "libtorrent", "magnetget>magnetget", "floor", "floor2"]
FIGURES = [
    "megabytes_per_second",
    "seeder_cpu_seconds_per_gib",
    "first_megabytes_per_second",
    "first_cpu_seconds_per_gib",
    "seeder_anonymous_bytes",
]
PORT = 6881
# Of AMPRNet: public to every client, and nobody's here. Nothing leaves the namespace.
PREFIX = "44.9.0"


def main():
    options = parse()
    wire.enter()
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for number in (200, 201, 210):
        subprocess.run(["ip", "address", "add", f"{PREFIX}.{number}/32", "dev", "lo"], check=True)
    work = tempfile.mkdtemp(prefix="mainline-seeding-", dir=options.tmpfs)
    raw = open(options.output, "a") if options.output else None
    try:
        bench = Bench(options, work)
        record(raw, conditions(size=options.size, piece_length=options.piece_length))
        results = []
        for number in range(options.rounds + 1):
            turn = number % len(options.pairs)
            for pair in options.pairs[turn:] + options.pairs[:turn]:
                result = {"event": "seeding", "pair": pair, "round": number, "warm_up": number == 0, **bench.measure(pair)}
                record(raw, result)
                print(json.dumps(result), file=sys.stderr, flush=True)
                results.append(result)
        summarise(results, options.pairs)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=2 * GIB)
    parser.add_argument("--piece-length", type=int, default=1 << 20)
    parser.add_argument("--rounds", type=int, default=5, help="counted rounds, after one that warms up")
    parser.add_argument("--pairs", default=",".join(PAIRS))
    parser.add_argument("--magnetget", default=os.path.join(ROOT, ".build/release/magnetget"))
    parser.add_argument("--tmpfs", default="/dev/shm")
    parser.add_argument("--output", help="append raw JSON lines to this file")
    options = parser.parse_args()
    options.pairs = options.pairs.split(",")
    if "rtorrent" in options.pairs and not shutil.which("rtorrent"):
        rig.fail("rtorrent is not there; see Bootstrap/setup bench, or leave it out with --pairs")
    return options


class Bench:
    def __init__(self, options, work):
        self.options, self.work = options, work
        self.payload, self.floor = make_payload(work, options.size), build_floor(work)
        self.folder = os.path.dirname(self.payload)
        self.torrent = os.path.join(work, "payload.torrent")
        creator = lt.create_torrent(lt.list_files(self.payload), options.piece_length, lt.create_torrent.v1_only)
        lt.set_piece_hashes(creator, self.folder)
        with open(self.torrent, "wb") as file:
            file.write(lt.bencode(creator.generate()))
        self.magnet = f"magnet:?xt=urn:btih:{lt.torrent_info(self.torrent).info_hash()}"

    def measure(self, pair):
        target = tempfile.mkdtemp(dir=self.work)
        name, _, downloader = pair.partition(">")
        try:
            if name.startswith("floor"):
                return self.run_floor(name, target)
            seeder = self.start(name)
            try:
                self.wait_until_it_rests(seeder)
                # The first time it touches pages that it has mapped and never used; that is told apart.
                before = cpu_seconds(seeder.pid)
                first_rate, _ = self.download(downloader or "libtorrent", tempfile.mkdtemp(dir=target))
                first_cpu = cpu_seconds(seeder.pid) - before
                before = cpu_seconds(seeder.pid)
                rate, ok = self.download(downloader or "libtorrent", tempfile.mkdtemp(dir=target))
                cpu = cpu_seconds(seeder.pid) - before
                memory = anonymous_bytes(seeder.pid)
            finally:
                seeder.terminate()
                seeder.wait()
        finally:
            shutil.rmtree(target)
        return {
            "ok": ok,
            "megabytes_per_second": rate,
            "seeder_cpu_seconds_per_gib": round(cpu / (self.options.size / GIB), 3),
            "first_megabytes_per_second": first_rate,
            "first_cpu_seconds_per_gib": round(first_cpu / (self.options.size / GIB), 3),
            "seeder_anonymous_bytes": memory,
        }

    def address(self, number):
        return f"{PREFIX}.{number}"

    def start(self, name):
        address = self.address(200)
        match name:
            case "magnetget":
                command = [self.options.magnetget, "seed", self.torrent, self.folder, "--bind", address, "--port", str(PORT)]
                command += ["--no-dht", "--no-lsd", "--no-state", "--progress", "none"]
            case "libtorrent":
                command = [sys.executable, os.path.join(HERE, "seeder.py"), "--torrent", self.torrent, "--no-utp"]
                command += ["--save-path", self.folder, "--address", address, "--port", str(PORT)]
            case "rtorrent":
                home = tempfile.mkdtemp(dir=self.work)
                lines = [
                    "system.daemon.set = true",
                    f"directory.default.set = {self.folder}",
                    f"session.path.set = {home}",
                    f"network.bind_address.set = {address}",
                    f"network.port_range.set = {PORT}-{PORT}",
                    "dht.mode.set = disable",
                    "protocol.encryption.set = allow_incoming,try_outgoing,enable_retry",
                    f"load.start = {self.torrent}",
                ]
                with open(os.path.join(home, "rc"), "w") as file:
                    file.write("\n".join(lines) + "\n")
                command = ["rtorrent", "-n", "-o", f"import={home}/rc"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return subprocess.Popen(command, stdin=subprocess.PIPE, env={**os.environ, "TERM": "dumb"}, **quiet)

    def wait_until_it_rests(self, seeder, limit=120):
        """It listens, and has used no processor for a while: what it has is checked."""
        deadline, quiet, last = time.monotonic() + limit, 0, -1.0
        while quiet < 5:
            if time.monotonic() > deadline or seeder.poll() is not None:
                rig.fail(f"{seeder.args[0]} ended, or was not ready within {limit} s")
            time.sleep(0.2)
            used = cpu_seconds(seeder.pid)
            quiet = quiet + 1 if used - last < 0.03 and listens(self.address(200)) else 0
            last = used

    def download(self, downloader, target):
        peer, address = f"{self.address(200)}:{PORT}", self.address(201)
        if downloader == "magnetget":
            command = [self.options.magnetget, "get", self.magnet, "-o", target, "--peer", peer, "--bind", address]
            command += ["--no-dht", "--no-lsd", "--no-state", "--json"]
        else:
            command = [sys.executable, os.path.join(HERE, "downloader.py"), self.magnet, "-o", target]
            command += ["--peer", peer, "--address", address, "--no-utp"]
        times = {}
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout:
                times.setdefault(json.loads(line)["event"], time.monotonic())
        if "completed" not in times:
            return None, False
        rate = self.options.size / (times["completed"] - times["metadata"]) / 1e6
        return round(rate, 1), same_bytes(self.payload, os.path.join(target, os.path.basename(self.payload)))

    def run_floor(self, name, target):
        helpers = []
        sender = Helper(self.floor, "send", self.payload, self.address(210), helpers=helpers)
        endpoint = sender.wait_for("ready")["endpoint"]
        copy, threads = os.path.join(target, "copy"), name.removeprefix("floor") or "1"
        started = time.monotonic()
        command = [self.floor, "receive", endpoint, copy, str(self.options.piece_length), threads]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        seconds = time.monotonic() - started
        _, _, usage = os.wait4(sender.process.pid, 0)
        sender.process.returncode = 0
        return {
            "ok": same_bytes(self.payload, copy),
            "megabytes_per_second": round(self.options.size / seconds / 1e6, 1),
            "seeder_cpu_seconds_per_gib": round((usage.ru_utime + usage.ru_stime) / (self.options.size / GIB), 3),
            "seeder_anonymous_bytes": None,
        }


def listens(address):
    try:
        socket.create_connection((address, PORT), timeout=1).close()
        return True
    except OSError:
        return False


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def anonymous_bytes(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith("RssAnon"))


def summarise(results, pairs):
    summary, failures = {}, sum(not result["ok"] for result in results)
    for pair in pairs:
        good = [r for r in results if r["pair"] == pair and r["ok"] and not r["warm_up"]]
        summary[pair] = {"rounds": len(good)}
        for figure in FIGURES:
            values = sorted(r[figure] for r in good if r.get(figure) is not None)
            if values:
                summary[pair][figure] = {"median": statistics.median(values), "least": values[0], "most": values[-1]}
        print(pair, json.dumps(summary[pair]), file=sys.stderr)
    rig.emit("summary", failures=failures, pairs=summary)
    if failures:
        sys.exit(1)


if __name__ == "__main__":
    main()
