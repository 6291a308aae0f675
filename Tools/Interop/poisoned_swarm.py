#!/usr/bin/env python3
"""A bare magnet, fetched from a swarm of libtorrent seeders and of peers that mean harm (`hostile_peers.py`).

All find each other through a DHT of libtorrent nodes. Each seed is an order of arrival: with odd seeds those who lie
about the metadata, or say nothing, are there first and alone until the lies are told; with even ones all come as they
like. One JSON line for each: what was told (`lies`, `bad_blocks`), who was `banned`, and `breaches`: not complete in time, a wrong byte, an
honest peer banned, or a liar not banned whose lie came before the truth was known. Exit code 1 on any.
"""

import argparse
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import libtorrent as lt

import rig
from bench import ROOT, Helper, conditions, record, same_bytes

LIARS = ["wrong-size", "wrong-bytes"]
FIRST = [*LIARS, "silent", "trickle"]
# Seconds that the lies may take before the others come all the same.
LIES_LIMIT = 40
# Seconds before the metadata was there that a lie must have been told to be sure of having arrived.
LIE_MARGIN = 2
HONEST = 3


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", default="1,2,3,4,5,6,7,8,9,10")
    parser.add_argument("--size", type=int, default=24 << 20)
    parser.add_argument("--piece-length", type=int, default=16 << 10, help="so small that the metadata has two pieces")
    parser.add_argument("--rate", type=int, default=1_000_000, help="bytes per second of each honest seeder")
    parser.add_argument("--timeout", type=float, default=60, help="seconds for one download")
    parser.add_argument("--magnetget", default=os.path.join(ROOT, ".build/release/magnetget"))
    parser.add_argument("--output", help="append raw JSON lines to this file")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    raw = open(options.output, "a") if options.output else None
    record(raw, conditions(size=options.size, piece_length=options.piece_length, rate=options.rate, honest=HONEST))
    breaches = 0
    for seed in map(int, options.seeds.split(",")):
        with tempfile.TemporaryDirectory(prefix="mainline-poison-") as work:
            helpers = []
            try:
                line = Swarm(options, seed, work, helpers).run()
            finally:
                for helper in reversed(helpers):
                    helper.stop()
        record(raw, line)
        print(json.dumps(line), flush=True)
        breaches += len(line["breaches"])
    sys.exit(1 if breaches else 0)


class Swarm:
    def __init__(self, options, seed, work, helpers):
        self.options, self.seed, self.work, self.helpers = options, seed, work, helpers
        self.random, self.prefix = random.Random(seed), rig.loopback_prefix()
        self.payload, self.torrent = os.path.join(work, "payload.bin"), os.path.join(work, "payload.torrent")
        with open(self.payload, "wb") as file:
            file.write(self.random.randbytes(options.size))
        self.honest, self.hostile, self.rigs, self.readers = [], {}, [], []
        self.lines = []

    def run(self):
        words = ["--nodes", "8", "--prefix", self.prefix, "--lift-limits"]
        network = Helper("dht_network.py", *words, helpers=self.helpers)
        self.bootstrap = network.wait_for("ready")["bootstrap"]
        network.drain()
        magnet = self.make_torrent()
        arrivals = self.arrivals()
        begun, process = time.monotonic(), self.start(magnet)
        for after, kind, arrive in arrivals:
            time.sleep(max(0, begun + after - time.monotonic()))
            if self.seed % 2 and kind not in FIRST:
                self.wait_for_lies()
            arrive()
        try:
            code = process.wait(max(1, begun + self.options.timeout - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        seconds = time.monotonic() - begun
        for reader in self.readers:
            reader.join()
        return {"event": "swarm", "seed": self.seed, "seconds": round(seconds, 2)} | self.judge(code, begun)

    def make_torrent(self):
        creator = lt.create_torrent(lt.list_files(self.payload), self.options.piece_length, lt.create_torrent.v1_only)
        lt.set_piece_hashes(creator, self.work)
        encoded = lt.bencode(creator.generate())
        with open(self.torrent, "wb") as file:
            file.write(encoded)
        return f"magnet:?xt=urn:btih:{lt.torrent_info(lt.bdecode(encoded)).info_hash()}"

    def arrivals(self):
        """Who comes when, in seconds."""
        peers = [(kind, lambda kind=kind: self.add_hostile(kind)) for kind in [*FIRST, "corrupt"]]
        peers += [("honest", lambda number=number: self.add_honest(number)) for number in range(HONEST)]
        self.random.shuffle(peers)
        late = 3 * (self.seed % 2)
        times = [(self.random.uniform(0, 2) + (0 if kind in FIRST else late), kind, arrive) for kind, arrive in peers]
        return sorted(times, key=lambda arrival: arrival[0])

    def told(self):
        return {kind: counts for rig_ in self.rigs for kind, counts in rig_.ask("status")["peers"].items()}

    def wait_for_lies(self):
        deadline = time.monotonic() + LIES_LIMIT
        while time.monotonic() < deadline:
            told = self.told()
            if all(told[kind]["lies"] for kind in LIARS):
                break
            time.sleep(0.1)

    def add_honest(self, number):
        words = ["--torrent", self.torrent, "--save-path", self.work, "--address", f"{self.prefix}.{200 + number}"]
        words += ["--bootstrap", self.bootstrap, "--upload-limit", str(self.options.rate), "--no-utp"]
        seeder = Helper("seeder.py", *words, helpers=self.helpers)
        self.honest.append(seeder.wait_for("ready")["endpoint"])
        seeder.drain()

    def add_hostile(self, kind):
        words = ["--torrent", self.torrent, "--file", self.payload, "--kinds", kind, "--prefix", self.prefix]
        words += ["--bootstrap", self.bootstrap, "--seed", str(self.seed)]
        peer = Helper("hostile_peers.py", *words, helpers=self.helpers)
        self.hostile[kind] = peer.wait_for("ready")["peers"][kind]
        self.rigs.append(peer)

    def start(self, magnet):
        command = [self.options.magnetget, magnet, "--bootstrap", self.bootstrap, "--bind", f"{self.prefix}.230"]
        command += ["--no-state", "-v", "--json", "--timeout", str(self.options.timeout)]
        command += ["-o", os.path.join(self.work, "download")]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        streams = [process.stdout, process.stderr]
        self.readers = [threading.Thread(target=self.read, args=(stream,)) for stream in streams]
        for reader in self.readers:
            reader.start()
        return process

    def read(self, stream):
        for line in stream:
            self.lines.append(line)

    def metadata_at(self, begun):
        """When the metadata was there, by the program's own clock: this one may have been late to read of it."""
        events = [json.loads(line) for line in self.lines if line.startswith("{")]
        seconds = [event["timings"]["metadata"] for event in events if event["event"] == "completed"]
        return begun + seconds[0] if seconds else float("inf")

    def judge(self, code, begun):
        told, metadata_at = self.told(), self.metadata_at(begun)
        banned = {found[1] for line in self.lines if (found := re.match(r"peer (\S+) banned", line))}
        target = os.path.join(self.work, "download", "payload.bin")
        failed_pieces = sum("does not match its hash" in line for line in self.lines)
        breaches = []
        if code != 0 or not same_bytes(self.payload, target):
            breaches.append(f"exit code {code}, or a wrong byte: {''.join(self.lines[-5:])}")
        breaches += [f"honest and banned: {endpoint}" for endpoint in self.honest if endpoint in banned]
        for kind, counts in told.items():
            lied = counts["last_lie"] and counts["last_lie"] + LIE_MARGIN < metadata_at
            # Bad blocks that came second, in the end game, went unseen.
            lied = lied or counts["bad_blocks"] and failed_pieces
            if lied and self.hostile[kind] not in banned:
                breaches.append(f"not banned: {kind}")
        return {
            "metadata_liars_first": bool(self.seed % 2),
            "lies": {kind: counts["lies"] for kind, counts in told.items() if counts["lies"]},
            "bad_blocks": told["corrupt"]["bad_blocks"],
            "banned": sorted(kind for kind, endpoint in self.hostile.items() if endpoint in banned),
            "failed_pieces": failed_pieces,
            "connected": {kind: counts["connections"] for kind, counts in told.items()},
            "breaches": breaches,
        }


if __name__ == "__main__":
    main()
