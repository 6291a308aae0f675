#!/usr/bin/env python3
"""Magnets as they are found in the wild: most trackers are dead, most peers are gone, one seed is left.

Each magnet names 30 dead trackers and one that answers, in a random order; a quarter each of the dead ones refuses
connections, takes them and never answers, is a UDP endpoint that is silent, or has a name that does not exist. The one
that answers names 500 dead peers, half of which refuse and half of which drop SYNs, and one libtorrent seed among them.
magnetget, libtorrent and aria2 take turns on the same magnet; no DHT. One JSON line each: `client`, `round`, `seconds`
from the start of the process to the metadata (without loading Python for libtorrent), null when the limit is over.

Runs in a network and a mount namespace of its own, whose resolver says NXDOMAIN to everything. Needs root.
"""

import argparse
import asyncio
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time

from attacks import honest, lab, peer
from bench_metadata import measure
from raw_lines import HERE, ROOT, conditions, record

KINDS = ["refusing", "hanging", "silent UDP", "no such name"]
SEED = ("127.11.1.1", 6881)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--trackers", type=int, default=30, help="dead ones")
    parser.add_argument("--peers", type=int, default=500, help="dead ones")
    parser.add_argument("--limit", type=float, default=60, help="seconds for one client")
    parser.add_argument("--clients", default="magnetget,libtorrent,aria2")
    parser.add_argument("--magnetget", default=os.path.join(ROOT, ".build/release/magnetget"))
    parser.add_argument("--output", help="append raw JSON lines to this file")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    lab.enter_namespace("--mount")
    with tempfile.TemporaryDirectory(prefix="mainline-dead-") as work:
        use_resolver_of_ours(work)
        with open(options.output or os.devnull, "a") as raw:
            Bench(options, work, raw).run()


def use_resolver_of_ours(work):
    path = os.path.join(work, "resolv.conf")
    with open(path, "w") as file:
        file.write("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    subprocess.run(["mount", "--bind", path, os.path.realpath("/etc/resolv.conf")], check=True)


class Names(asyncio.DatagramProtocol):
    """A name server that knows no name."""

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, source):
        # The question again, with QR, RD, RA and NXDOMAIN (RFC 1035).
        self.transport.sendto(data[:2] + b"\x81\x83" + data[4:6] + bytes(6) + data[12:], source)


async def be_dead(counts, trackers):
    """The name server, and the dead trackers that have a socket."""
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(Names, ("127.0.0.1", 53))

    async def take(reader, writer):
        counts["taken"] += 1
        await peer.forever()

    for kind, endpoint in trackers:
        if kind == "hanging":
            await asyncio.start_server(take, *endpoint)
        elif kind == "silent UDP":
            await loop.create_datagram_endpoint(asyncio.DatagramProtocol, endpoint)
    await peer.forever()


class Bench:
    def __init__(self, options, work, raw):
        self.options, self.work, self.raw = options, work, raw
        self.random = random.Random(1)
        self.children, self.seconds = [], {client: [] for client in options.clients.split(",")}

    def run(self):
        record(self.raw, conditions(trackers=self.options.trackers, peers=self.options.peers))
        dead = [(KINDS[i % 4], (f"127.12.{i}.1", 8000 + i)) for i in range(self.options.trackers)]
        self.children.append(lab.Child(be_dead, dead))
        torrent = peer.Torrent(4 << 20, 16 * 1024)
        magnet = torrent.magnet
        self.start_seed(torrent)
        endpoints = self.dead_peers() + [SEED]
        self.random.shuffle(endpoints)
        self.children.append(lab.Child(honest.track, "127.13.1.1", 8080, endpoints))
        time.sleep(0.5)
        try:
            for number in range(self.options.rounds):
                urls = [url_of(*tracker) for tracker in dead] + ["http://127.13.1.1:8080/announce"]
                self.random.shuffle(urls)
                words = "".join(f"&tr={url}" for url in urls)
                self.take_turns(number, magnet + words)
            self.summarise()
        finally:
            self.seeder.terminate()
            self.seeder.wait()
            for child in self.children:
                child.stop()

    def start_seed(self, torrent):
        path = os.path.join(self.work, "t.torrent")
        torrent.write(path)
        with open(os.path.join(self.work, torrent.name), "wb") as file:
            file.write(torrent.payload)
        words = [f"{HERE}/seeder.py", "--torrent", path, "--save-path", self.work, "--no-utp"]
        words += ["--address", SEED[0], "--port", str(SEED[1])]
        self.seeder = subprocess.Popen(
            [sys.executable, *words], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, preexec_fn=lab.die_with_parent
        )
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(SEED) == 0:
                    return
            time.sleep(0.1)
        sys.exit("the seed does not start")

    def dead_peers(self):
        holes = lab.BlackHole("private")
        half = self.options.peers // 2
        refusing = [(f"127.14.{i // 200}.{1 + i % 200}", 20_000 + i) for i in range(self.options.peers - half)]
        return refusing + [holes.endpoint(i) for i in range(half)]

    def take_turns(self, number, magnet):
        clients = list(self.seconds)
        turn = number % len(clients)
        for client in clients[turn:] + clients[:turn]:
            with tempfile.TemporaryDirectory(dir=self.work) as folder:
                line = measure(self.command(client, magnet, folder, number), self.options.limit)
            took = line["seconds"] and line["seconds"] - line.get("loading_seconds", 0)
            self.seconds[client].append(took if took is not None else float("inf"))
            record(self.raw, {"event": "metadata", "client": client, "round": number, **line})
            print(f"round {number}: {client} {took and round(took, 3)}", flush=True)

    def command(self, client, magnet, folder, number):
        """Each with an address of its own in each round, so that no end remembers it."""
        address = f"127.{20 + list(self.seconds).index(client)}.{number}.1"
        if client == "magnetget":
            words = [self.options.magnetget, "--list", magnet, "--json", "--no-state", "--bind", address]
            return words + ["--no-dht", "--no-lsd", "--network", "private"]
        if client == "libtorrent":
            words = [sys.executable, f"{HERE}/downloader.py", magnet, "--address", address, "-o", folder]
            return [*words, "--no-utp", "--timeout", str(self.options.limit)]
        words = ["aria2c", "--no-conf", f"--dir={folder}", f"--interface={address}", "--bt-metadata-only=true"]
        return [*words, "--enable-dht=false", "--enable-dht6=false", "--bt-enable-lpd=false", magnet]

    def summarise(self):
        for client, values in self.seconds.items():
            values = sorted(values)
            found = sum(value != float("inf") for value in values)
            line = {"event": "summary", "client": client, "rounds": len(values), "found": found}
            line |= {name: percentile(values, part) for name, part in (("p50", 0.5), ("p95", 0.95))}
            record(self.raw, line)
            print(f"{client}: p50 {line['p50']} s, p95 {line['p95']} s, found in {found} of {len(values)} rounds")


def percentile(values, part):
    """Of sorted values; None stands for one that the limit cut off."""
    value = values[min(len(values) - 1, int(part * len(values)))]
    return None if value == float("inf") else round(value, 3)


def url_of(kind, endpoint):
    address, port = endpoint
    if kind == "no such name":
        return f"udp://tracker-{port}.example:{port}/announce"
    return f"{'udp' if kind == 'silent UDP' else 'http'}://{address}:{port}/announce"


if __name__ == "__main__":
    main()
