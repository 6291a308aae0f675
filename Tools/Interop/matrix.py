#!/usr/bin/env python3
"""Every client with magnetget, both ways: found by a real opentracker alone, or by the DHT alone.

Runs itself in a network namespace without a way out, so it needs root. Each cell has its own addresses of 44/8, which
look public, as many clients want. One JSON line for each: `client`, `discovery` ("tracker", "dht"), `direction` ("from"
it, "to" it), `ours` and `theirs` (what each does about encryption), `ok`, `seconds`, and `note` when it failed; then
the exit code is 1. A client that is not installed has one line with `skipped`. docs/interop.md has the table.
"""

import argparse
import concurrent.futures
import filecmp
import itertools
import json
import os
import socket
import subprocess
import sys
import tempfile
import time

import wire
from clients import CLIENTS

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
# What each side does about encryption; by the DHT, which knows nothing of it, each does as it likes best.
POLICIES = {
    "tracker": [("prefer", "plain"), ("prefer", "required"), ("require", "allowed"), ("off", "plain")],
    "dht": [("prefer", "allowed")],
}
# transmission announces only when its table holds more than eight nodes.
NODES = 24


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", help="raw JSON lines are appended here")
    parser.add_argument("--clients", default=",".join(CLIENTS))
    parser.add_argument("--discovery", default="tracker,dht")
    parser.add_argument("--quick", action="store_true", help="one encryption of each discovery only")
    parser.add_argument("--bytes", type=int, default=8_000_000)
    parser.add_argument("--timeout", type=float, default=240, help="seconds for one cell")
    parser.add_argument("--jobs", type=int, default=2, help="cells at a time")
    parser.add_argument("--magnetget", default=os.path.join(ROOT, ".build/release/magnetget"))
    options = parser.parse_args()
    # With processes of its own: whatever way this ends, the kernel ends them all.
    wire.enter("--pid", "--mount-proc", "--fork", "--kill-child")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["ip", "route", "add", "local", "44.0.0.0/8", "dev", "lo"], check=True)
    raw = open(options.output, "a") if options.output else None
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for line in pool.map(lambda cell: run(*cell, options), cells(options)):
            failed += not line.get("ok", "skipped" in line)
            print(json.dumps(line), flush=True)
            if raw:
                print(json.dumps(line), file=raw, flush=True)
    sys.exit(1 if failed else 0)


def cells(options):
    serial = itertools.count(1)
    for name in options.clients.split(","):
        if not CLIENTS[name].is_here():
            yield next(serial), name, None, None, None, None
            continue
        for discovery in options.discovery.split(","):
            for direction in ["from", "to"]:
                for ours, theirs in POLICIES[discovery][: 1 if options.quick else None]:
                    yield next(serial), name, discovery, direction, ours, theirs


def run(serial, name, discovery, direction, ours, theirs, options):
    """One download, by us from the client or by the client from us."""
    client = CLIENTS[name]
    if not discovery:
        return {"client": name, "skipped": "not on this machine"}
    line = {"client": name, "version": client.version(), "discovery": discovery, "direction": direction}
    line |= {"ours": ours, "theirs": theirs}
    with tempfile.TemporaryDirectory(prefix="mainline-matrix-") as work:
        os.chmod(work, 0o755)
        lab = Lab(work, serial, discovery, options)
        try:
            started = time.monotonic()
            start(lab, client, direction, ours, theirs)
            ok = lab.wait()
            line |= {"ok": ok, "seconds": round(time.monotonic() - started, 2)}
            if not ok:
                line["note"] = lab.last_words()
        except Exception as error:
            line |= {"ok": False, "note": [repr(error), *lab.last_words()]}
        finally:
            lab.close()
    return line


def start(lab, client, direction, ours, theirs):
    """Starts both, in the order in which they find each other at once: most look once in a quarter of an hour."""
    if direction == "from":
        client.seed(lab, theirs)
    elif not lab.nodes:
        client.fetch(lab, theirs)
    elif client.hears_of_nobody:
        client.fetch(lab, theirs)
        lab.wait_for_text(f'"peer": "{lab.address(2)}:', of=0)
    # Who calls us in plaintext when we refuse that comes back late or never: so we are the ones who call.
    time.sleep(2 if ours == "require" else 0)
    lab.magnetget("get" if direction == "from" else "seed", ours)
    if direction == "to" and lab.nodes and not client.hears_of_nobody:
        lab.wait_for_text('"event":"announced"')
        client.fetch(lab, theirs)


class Lab:
    """A torrent, its tracker or its DHT, and whatever was started; all of it ends with `close`."""

    def __init__(self, work, serial, discovery, options):
        self.work, self.options, self.running = work, options, []
        self.number = serial
        self.nodes = []
        self.folder("seed")
        self.folder("fetched")
        with open(self.path("seed/file.bin"), "wb") as file:
            file.write(os.urandom(options.bytes))
        self.torrent = self.path("file.torrent")
        announce = f"http://{self.address(9)}:6969/announce" if discovery == "tracker" else None
        infohash = self.make_torrent(announce)
        self.magnet = f"magnet:?xt=urn:btih:{infohash}" + (f"&tr={announce}" if announce else "")
        # The DHT is to give what the magnet leaves out; a tracker is tried by the torrent that names it.
        self.source = self.torrent if announce else self.magnet
        if announce:
            self.start_tracker(infohash)
        else:
            self.start_nodes()

    def path(self, name):
        return os.path.join(self.work, name)

    def folder(self, name):
        os.makedirs(self.path(name), exist_ok=True)
        return self.path(name)

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)

    def address(self, host, network=1):
        return f"44.{network}.{self.number}.{host}"

    def make_torrent(self, announce):
        import libtorrent as lt

        creator = lt.create_torrent(lt.list_files(self.path("seed/file.bin")), 65536, lt.create_torrent.v1_only)
        if announce:
            creator.add_tracker(announce)
        lt.set_piece_hashes(creator, self.path("seed"))
        encoded = lt.bencode(creator.generate())
        with open(self.torrent, "wb") as file:
            file.write(encoded)
        return str(lt.torrent_info(lt.bdecode(encoded)).info_hash())

    def start_tracker(self, infohash):
        home, address = self.folder("tracker"), self.address(9)
        self.write("tracker/white", infohash + "\n")
        peers = os.path.join(ROOT, ".build-peers")
        command = [f"{peers}/usr/bin/opentracker", "-i", address, "-p", "6969", "-P", "6969", "-d", home, "-w", "white"]
        self.start(command, env={"LD_LIBRARY_PATH": f"{peers}/usr/lib"})
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex((address, 6969)) == 0:
                    return
            time.sleep(0.02)
        raise TimeoutError("opentracker does not listen")

    def start_nodes(self):
        """A DHT of libtorrent nodes, each in a network of its own: libtorrent takes one of each /24 for a bucket."""
        addresses = [self.address(10, network=10 + node) for node in range(NODES + 1)]
        words = [sys.executable, f"{HERE}/dht_network.py", "--port", "6881", "--lift-limits"]
        # Announced to nodes that hardly know each other, a seed may be where nobody looks.
        words += ["--good", str(NODES - 1)]
        self.start(words + ["--addresses", ",".join(addresses)])
        self.wait_for_text('"event": "ready"')
        self.nodes = [f"{address}:6881" for address in addresses[:NODES]]

    def start(self, command, env=None, cwd=None, hosts=()):
        """Starts a program that has no home but the lab; to it, each of `hosts` is another node of the DHT."""
        log = open(self.path(f"log-{len(self.running)}-{os.path.basename(command[0])}"), "wb")
        environment = {**os.environ, "HOME": self.work, "XDG_CONFIG_HOME": self.work, "XDG_STATE_HOME": self.work}
        if hosts and self.nodes:
            pairs = zip(self.nodes, hosts)
            self.write("hosts", "".join(f"{node.partition(':')[0]} {host}\n" for node, host in pairs))
            script = 'mount --bind "$0" /etc/hosts && exec "$@"'
            command = ["unshare", "--mount", "sh", "-c", script, self.path("hosts"), *command]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=log, stderr=log, env={**environment, **(env or {})}, cwd=cwd
        )
        self.running.append((process, log.name))
        return process

    def magnetget(self, verb, policy):
        source = self.magnet if self.nodes and verb == "get" else self.torrent
        command = [self.options.magnetget, source, "--bind", self.address(1), "--no-state", "--encryption", policy]
        command += ["--bootstrap", self.nodes[0]] if self.nodes else ["--no-dht"]
        command += ["-v", "--json", "-o", self.path("seed" if verb == "seed" else "fetched")]
        command += ["--peers-timeout", str(self.options.timeout)]
        self.start(command + (["--seed"] if verb == "seed" else []))

    def wait_for_text(self, text, of=-1):
        """Waits until a program has said it: the last one that was started, or the one of this number."""
        deadline = time.monotonic() + self.options.timeout
        while time.monotonic() < deadline:
            with open(self.running[of][1]) as log:
                if text in log.read():
                    return
            time.sleep(0.05)
        raise TimeoutError(f"no {text}")

    def wait(self):
        """Whether the file is there and right in time."""
        deadline = time.monotonic() + self.options.timeout
        target = self.path("fetched/file.bin")
        while time.monotonic() < deadline:
            if os.path.exists(target) and filecmp.cmp(target, self.path("seed/file.bin"), shallow=False):
                return True
            time.sleep(0.1)
        return False

    def last_words(self):
        words = []
        for process, log in self.running[1:]:
            with open(log, errors="replace") as file:
                words.append(f"{os.path.basename(log)}, exit code {process.poll()}: {file.read()[-400:]}")
        return words

    def close(self):
        for process, _ in reversed(self.running):
            process.terminate()
        for process, _ in self.running:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


if __name__ == "__main__":
    main()
