#!/usr/bin/env python3
"""Kills magnetget at random moments of a download, with SIGKILL, and has it go on, until everything is there.

After each kill the marker beside the data is read by a reader of its own (Sources/Storage describes it with
`ResumeFile` and `JournalRecord`): every byte of each piece on record must be right on disk. The next run must not fetch
a recorded piece again, as the seeder, libtorrent, counts what it sends. A finished download is compared byte by byte and
begun anew until --kills are reached. One JSON line for each run, {"event": "summary"} at the end; exit code 1 on any
breach.
The moments are drawn from --seed; what happens at them is up to the machine.
"""

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import libtorrent as lt

import rig
from bench import ROOT, Helper, conditions, record

PIECE_LENGTH = 128 * 1024
# Smaller than a piece, of a piece, empty, and several that do not end with a piece.
SIZES = [1, 20_000, 0, 131_072, 300_001, 77, 5_000_000, 1_048_576, 9_999_999, 16_384, 12_345_678, 3_000_000]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=int, default=1_500_000, help="bytes per second of the seeder")
    parser.add_argument("--latest", type=float, default=12, help="seconds from a start to the latest kill")
    parser.add_argument("--until-recorded", action="store_true", help="more kills, until a start found pieces on record")
    parser.add_argument("--magnetget", default=os.path.join(ROOT, ".build/release/magnetget"))
    parser.add_argument("--folder", help="where to work, a disk for instance; default: that of temporary files")
    parser.add_argument("--output", help="append raw JSON lines to this file")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    work = tempfile.mkdtemp(prefix="mainline-kill-", dir=options.folder)
    helpers = []
    try:
        sys.exit(1 if Trial(options, work, helpers).run() else 0)
    finally:
        for helper in helpers:
            helper.stop()
        shutil.rmtree(work, ignore_errors=True)


class Trial:
    def __init__(self, options, work, helpers):
        self.options, self.folder = options, os.path.join(work, "download")
        self.random = random.Random(options.seed)
        self.raw = open(options.output, "a") if options.output else None
        source, torrent = os.path.join(work, "source", "many"), os.path.join(work, "many.torrent")
        os.makedirs(source)
        for index, size in enumerate(SIZES):
            with open(os.path.join(source, f"{index:02}.bin"), "wb") as file:
                file.write(self.random.randbytes(size))
        self.prefix = rig.loopback_prefix()
        self.seeder = Helper(
            *["seeder.py", "--file", source, "--address", f"{self.prefix}.200", "--piece-length", str(PIECE_LENGTH)],
            *["--save-torrent", torrent, "--upload-limit", str(options.rate), "--no-utp", "--note-pieces"],
            helpers=helpers,
        )
        self.ready = self.seeder.wait_for("ready")
        info = lt.torrent_info(torrent)
        layout = info.layout()
        self.files = [(layout.file_path(i), layout.file_size(i)) for i in range(layout.num_files())]
        self.stream = b"".join(read(os.path.join(os.path.dirname(source), path)) for path, _ in self.files)
        self.piece_count = info.num_pieces()

    def run(self):
        """Runs until there were enough kills and the last download is complete; returns how many breaches."""
        totals = dict.fromkeys(["kills", "downloads", "breaches", "on_record_at_a_start", "sent_again"], 0)
        record(self.raw, conditions(kills=self.options.kills, seed=self.options.seed, rate=self.options.rate))
        recorded, sent = set(), set()
        while self.wants_kills(totals) or sent:
            line, after, now_sent = self.turn(recorded, self.wants_kills(totals))
            # Not on record yet, or on its way when the program died: what a kill costs.
            line["sent_again"] = len(now_sent & sent)
            self.say({"event": "run", "download": totals["downloads"]} | line)
            totals["kills"] += line["killed"]
            totals["breaches"] += len(line["breaches"])
            totals["on_record_at_a_start"] += len(recorded)
            totals["sent_again"] += line["sent_again"]
            recorded, sent = after, sent | now_sent
            if line["complete"]:
                shutil.rmtree(self.folder)
                totals["downloads"] += 1
                recorded, sent = set(), set()
            if line["breaches"]:
                break
        self.say({"event": "summary", "pieces": self.piece_count} | totals)
        return totals["breaches"]

    def wants_kills(self, totals):
        if totals["kills"] < self.options.kills:
            return True
        found_nothing = self.options.until_recorded and not totals["on_record_at_a_start"]
        return found_nothing and totals["kills"] < 5 * self.options.kills

    def say(self, line):
        record(self.raw, line)
        print(json.dumps(line), flush=True)

    def turn(self, before, may_kill):
        """One run of the program to its kill or its end, checked; the pieces then on record, and those sent."""
        moment = self.random.uniform(0, 0.3 if self.random.random() < 0.25 else self.options.latest)
        code, events = self.play(moment if may_kill else 120)
        sent = self.sent_pieces()
        complete = code == 0
        after = set(range(self.piece_count)) if complete else self.on_record()
        wrong = self.wrong_pieces(after)
        again = sorted(sent & before)
        breaches = []
        if code not in (0, -signal.SIGKILL):
            breaches.append(f"exit code {code}")
        if wrong:
            breaches.append(f"recorded and wrong: {wrong}")
        if again:
            breaches.append(f"on record and fetched again: {again}")
        if not complete and not before <= after:
            breaches.append(f"no longer on record: {sorted(before - after)}")
        left = len(self.stream) - sum(self.length(piece) for piece in before)
        downloaded = next((event["downloaded_bytes"] for event in events if event["event"] == "completed"), 0)
        if downloaded > left:
            breaches.append(f"says that it downloaded {downloaded} of {left} bytes")
        line = {
            "killed": code == -signal.SIGKILL,
            "seconds": round(moment, 3) if may_kill else None,
            "complete": complete,
            "recorded_before": len(before),
            "sent": len(sent),
            "recorded_after": len(after),
            "breaches": breaches,
        }
        return line, after, sent

    def play(self, seconds):
        """Runs the program for so long at most; its code, and the events it printed."""
        command = [self.options.magnetget, self.ready["magnet"], "--peer", self.ready["endpoint"], "--no-dht"]
        command += ["--no-state", "--network", "private", "--bind", f"{self.prefix}.201", "--json", "--timeout", "120"]
        command += ["-o", self.folder]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
        try:
            output, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            output, _ = process.communicate()
        lines = output.splitlines(keepends=True)
        return process.returncode, [json.loads(line) for line in lines if line.endswith("\n")]

    def sent_pieces(self):
        """What the seeder sent in this run, once it knows that we are gone."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            if not self.seeder.ask("status")["peers"]:
                break
        return set(self.seeder.ask("pieces")["pieces"])

    def length(self, piece):
        return min(PIECE_LENGTH, len(self.stream) - piece * PIECE_LENGTH)

    def on_record(self):
        path = os.path.join(self.folder, ".many.mainline")
        return recorded_pieces(read(path), self.ready["info_hash"]) if os.path.exists(path) else set()

    def wrong_pieces(self, pieces):
        """Those that are not on disk as they should be, read back from the files."""
        on_disk = bytearray()
        for path, size in self.files:
            name = os.path.join(self.folder, path)
            data = read(name) if os.path.exists(name) else b""
            on_disk += data[:size].ljust(size, b"\0")
            if len(data) > size:
                return [f"{path} is too long"]
        starts = {piece: slice(piece * PIECE_LENGTH, (piece + 1) * PIECE_LENGTH) for piece in pieces}
        return [piece for piece in sorted(pieces) if on_disk[starts[piece]] != self.stream[starts[piece]]]


def read(path):
    with open(path, "rb") as file:
        return file.read()


def recorded_pieces(marker, info_hash):
    """The pieces that a marker of version 2 names, up to the first record that is torn."""
    length = int.from_bytes(marker[32:36], "big")
    head, checksum = marker[: 36 + length], marker[36 + length : 56 + length]
    assert head[:12] == b"mainline\0\0\0\2" and head[12:32].hex() == info_hash, "not this torrent's marker"
    assert hashlib.sha1(head).digest() == checksum, "a marker with a damaged head"
    pieces, start = set(), 56 + length
    while start + 4 <= len(marker):
        end = start + 4 + int.from_bytes(marker[start : start + 4], "big")
        checksum = hashlib.sha1(checksum + marker[start:end]).digest()
        if marker[end : end + 20] != checksum:
            break
        for run in range(int.from_bytes(marker[start + 4 : start + 8], "big")):
            at = start + 8 + 8 * run
            first, count = (int.from_bytes(marker[i : i + 4], "big") for i in (at, at + 4))
            pieces |= set(range(first, first + count))
        start = end + 20
    return pieces


if __name__ == "__main__":
    main()
