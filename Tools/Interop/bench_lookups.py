#!/usr/bin/env python3
"""dhtnode and libtorrent look up the same infohashes in one network of 200 libtorrent nodes with delays between them.

Makes a network namespace of its own, so it needs root. One line per lookup goes to --output: `client` ("ours",
"libtorrent", and cold also "libtorrent-eager", which asks before its bootstrap is over), `state` ("warm", "cold"),
`dead` (the share of nodes killed shortly before), `seconds` until the first peer or null. Rivals of one trial sit at
the same place in the delay matrix, look for the same infohash, cold ones through the same node, in rotating order.
docs/calibration.md has the figures.
"""

import argparse
import concurrent.futures
import contextlib
import fcntl
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import threading
import time

import wire

PER_PROCESS = 20
PATIENCE = 30
LOCK_PATIENCE = 30
VARIANTS = {"ours": 0, "libtorrent": 1, "libtorrent-eager": 2}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dhtnode", default=".build/release/dhtnode")
    parser.add_argument("--output", required=True, help="raw results, one JSON object a line")
    parser.add_argument("--matrix", required=True, help="where the delay matrix is written")
    parser.add_argument("--nodes", type=int, default=200)
    parser.add_argument("--warm-askers", type=int, default=5, help="of each client, beside the nodes")
    parser.add_argument("--cold-places", type=int, default=20, help="rows of the matrix that cold clients start at")
    parser.add_argument("--cold-lanes", type=int, default=2, help="cold clients at a time")
    parser.add_argument("--dead-lanes", type=int, default=12, help="likewise among dead nodes, where they wait")
    parser.add_argument("--quiet-lock", help="a file whose lock (flock) is held while something is measured")
    parser.add_argument("--rounds", type=int, default=100, help="lookups of each kind")
    parser.add_argument("--dead-rounds", type=int, default=100, help="likewise, once a tenth is dead; 0 for none")
    parser.add_argument("--warm-up", type=float, default=180, help="seconds after the last node has joined")
    parser.add_argument("--mean-rtt", type=float, default=100, help="ms")
    parser.add_argument("--sigma", type=float, default=0.5, help="of the logarithm of the round trips")
    parser.add_argument("--loss", type=float, default=0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if options.nodes % (10 * PER_PROCESS) != 0:
        sys.exit(f"--nodes: a multiple of {10 * PER_PROCESS}")
    wire.enter()
    Bench(options).run()


class Group:
    """Some nodes of the network, in a process of their own."""

    def __init__(self, first, seed):
        program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "delayed_group.py")
        self.rows = range(first, first + PER_PROCESS)
        self.process = subprocess.Popen(
            [sys.executable, program, "--first", str(first), "--count", str(PER_PROCESS), "--seed", str(seed)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        self.process.stdout.readline()

    def say(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def tables(self):
        self.say("tables")
        return json.loads(self.process.stdout.readline())["nodes"]

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


class OurWarm:
    """`dhtnode run`, asked on its standard input."""

    def __init__(self, dhtnode, row, entry):
        self.process = subprocess.Popen(
            [dhtnode, "run", "--bind", wire.inner(row, VARIANTS["ours"]), "--port", str(wire.PORT), "--no-state",
             "--bootstrap", f"{entry}:{wire.PORT}", "--json", "--lookups-from-stdin"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )
        self.found = {}
        self.changed = threading.Condition()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            now = time.monotonic()
            event = json.loads(line)
            if event["event"] in ("first_peer", "peers"):
                with self.changed:
                    self.found.setdefault(event["info_hash"], []).append((event["event"], now))
                    self.changed.notify()

    def look_up(self, info_hash):
        begun = time.monotonic()
        self.process.stdin.write(info_hash + "\n")
        self.process.stdin.flush()
        with self.changed:
            self.changed.wait_for(lambda: self.found.get(info_hash), PATIENCE)
        first = self.found.get(info_hash, [("peers", 0)])[0]
        return first[1] - begun if first[0] == "first_peer" else None


class TheirWarm:
    """A libtorrent session that has been running for as long."""

    def __init__(self, row, entry):
        # Only now: whoever enters a namespace starts the program again.
        import libtorrent as lt

        import cold_client
        import delayed_group

        self.sha1_hash, self.first_peer = lt.sha1_hash, cold_client.first_peer
        self.session = delayed_group.start(
            wire.inner(row, VARIANTS["libtorrent"]), wire.PORT, [(entry, wire.PORT)]
        )

    def look_up(self, info_hash):
        self.session.pop_alerts()
        begun = time.monotonic()
        self.session.dht_get_peers(self.sha1_hash(bytes.fromhex(info_hash)))
        return self.first_peer(self.session, info_hash, begun, PATIENCE)


def cold_ours(dhtnode, row, entry, info_hash):
    """From before the process starts until its first peer can be read."""
    begun = time.monotonic()
    process = subprocess.Popen(
        [dhtnode, "peers", info_hash, "--bind", wire.inner(row, VARIANTS["ours"]), "--no-state", "--json",
         "--bootstrap", f"{entry}:{wire.PORT}", "--timeout", str(PATIENCE)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )
    seconds = None
    for line in process.stdout:
        if json.loads(line)["event"] == "peer":
            seconds = time.monotonic() - begun
            break
    process.terminate()
    process.communicate()
    return seconds


def cold_theirs(row, entry, info_hash, is_eager):
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "cold_client.py")
    address = wire.inner(row, VARIANTS["libtorrent-eager" if is_eager else "libtorrent"])
    words = [sys.executable, program, info_hash, "--address", address, "--bootstrap", f"{entry}:{wire.PORT}"]
    words += ["--patience", str(PATIENCE)] + ["--eager"] * is_eager
    return json.loads(subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True).stdout)


class Bench:
    def __init__(self, options):
        self.options = options
        self.random = random.Random(options.seed)
        self.output = open(options.output, "w")
        self.hosts = options.nodes + options.warm_askers + options.cold_places
        self.results = {}

    def run(self):
        options = self.options
        matrix = wire.draw_matrix(self.hosts, options.mean_rtt, options.sigma, options.seed)
        wire.write_matrix(
            options.matrix, matrix,
            f"one-way ms, {options.nodes} nodes then askers; seed {options.seed}, "
            f"mean round trip {options.mean_rtt:g} ms, sigma {options.sigma:g}",
        )
        self.write(event="run", **{k: v for k, v in vars(options).items() if k not in ("output", "dhtnode", "matrix", "quiet_lock")})
        self.wire = wire.Wire(options.matrix, options.loss, options.seed)
        self.groups = [Group(first, options.seed) for first in range(0, options.nodes, PER_PROCESS)]
        self.warm = []
        for row in range(options.nodes, options.nodes + options.warm_askers):
            entry = wire.outer(self.random.randrange(options.nodes))
            self.warm.append({"ours": OurWarm(options.dhtnode, row, entry), "libtorrent": TheirWarm(row, entry)})
        self.note(f"{options.nodes} nodes have joined")
        hashes = [self.random.randbytes(20).hex() for _ in range(options.rounds + options.dead_rounds)]
        time.sleep(options.warm_up / 2)
        for info_hash in hashes:
            self.announce(info_hash)
            time.sleep(options.warm_up / 2 / len(hashes))
        time.sleep(5)
        tables = sorted(size for group in self.groups for size in group.tables())
        self.write(event="tables", contacts=tables)
        with self.quiet():
            self.measure(hashes[: options.rounds], 0, options.cold_lanes)
        if options.dead_rounds:
            # The router that all nodes entered by is in the first group, and nobody's contact: not that one.
            for group in self.groups[1 :: 10]:
                group.kill()
                self.groups.remove(group)
            self.note("a tenth is dead")
            with self.quiet():
                self.measure(hashes[options.rounds :], 0.1, options.dead_lanes)
        self.end()

    def announce(self, info_hash):
        group = self.random.choice(self.groups)
        group.say(f"announce {self.random.choice(group.rows)} {info_hash} {self.random.randrange(1024, 65536)}")

    @contextlib.contextmanager
    def quiet(self):
        """Waits a while for everybody who measures or builds, and says whether they have ended."""
        if not self.options.quiet_lock:
            yield
            return
        with open(self.options.quiet_lock, "a") as file:
            for _ in range(LOCK_PATIENCE):
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    self.note("measured alone")
                    break
                except BlockingIOError:
                    time.sleep(1)
            else:
                self.note("measured beside others")
            yield

    def measure(self, hashes, dead, lanes):
        """Warm lookups one after the other; then cold ones, a few trials at a time."""
        for trial, info_hash in enumerate(hashes):
            askers = self.warm[trial % len(self.warm)]
            for client in rotated(list(askers), trial // len(self.warm)):
                self.record(client, "warm", dead, trial, askers[client].look_up(info_hash))
                time.sleep(0.2)
        alive = [row for group in self.groups for row in group.rows if row > 0]
        entries = [wire.outer(self.random.choice(alive)) for _ in hashes]
        with concurrent.futures.ThreadPoolExecutor(lanes) as pool:
            done = [pool.submit(self.measure_cold, hashes, entries, lane, lanes, dead) for lane in range(lanes)]
        for lane in done:
            lane.result()
        self.show(dead)

    def measure_cold(self, hashes, entries, lane, lanes, dead):
        for trial in range(lane, len(hashes), lanes):
            row = self.options.nodes + self.options.warm_askers + trial % self.options.cold_places
            for client in rotated(list(VARIANTS), trial // lanes):
                if client == "ours":
                    seconds = cold_ours(self.options.dhtnode, row, entries[trial], hashes[trial])
                else:
                    seconds = cold_theirs(row, entries[trial], hashes[trial], client == "libtorrent-eager")
                self.record(client, "cold", dead, trial, seconds)

    def record(self, client, state, dead, trial, seconds):
        self.results.setdefault((state, dead, client), []).append(seconds)
        rounded = None if seconds is None else round(seconds, 4)
        self.write(event="lookup", client=client, state=state, dead=dead, trial=trial, seconds=rounded)

    def show(self, dead):
        for (state, share, client), values in sorted(self.results.items()):
            found = sorted(value for value in values if value is not None)
            if share != dead or not found:
                continue
            p90 = found[min(len(found) - 1, int(0.9 * len(found)))]
            median = statistics.median(found)
            self.note(
                f"{state} dead {share:g} {client}: {len(found)} of {len(values)} found, "
                f"p50 {median * 1000:.0f} ms, p90 {p90 * 1000:.0f} ms, most {found[-1] * 1000:.0f} ms"
            )

    def end(self):
        for askers in self.warm:
            askers["ours"].process.kill()
        for group in self.groups:
            group.kill()
        self.write(event="relay", **{k: v for k, v in json.loads(self.wire.close()).items() if k != "event"})
        self.output.close()
        # libtorrent's sessions would take their time.
        sys.stdout.flush()
        os._exit(0)

    def write(self, **fields):
        self.output.write(json.dumps(fields) + "\n")
        self.output.flush()

    def note(self, text):
        load = os.getloadavg()[0]
        self.write(event="note", text=text, load=round(load, 2))
        print(f"{text} (load {load:.1f})", flush=True)


def rotated(items, by):
    by %= len(items)
    return items[by:] + items[:by]


if __name__ == "__main__":
    main()
