"""Attacks of our own on downloads and metadata, beyond the list: X1 to X10."""

import asyncio
import os
import struct
import time

from . import dht, honest, lab, peer
from .download_rows import Hosted, drip
from .metadata_rows import metadata_requests, say_seed
from .peers_rows import TwoTrackers, exchange
from .scenes import MIB, Metadata


async def betray(wire, counts, number, good):
    """Gives a few blocks as fast as it can, and then never again: trust is earned and kept."""
    await say_seed(wire)
    wire.send(peer.UNCHOKE)
    given = 0
    while True:
        for kind, payload in await wire.batch():
            if kind != peer.REQUEST:
                continue
            counts["requests"] += 1
            if given < good:
                given += 1
                wire.send(peer.PIECE, payload[:8] + wire.torrent.block(*struct.unpack(">III", payload)))
        await wire.drain()


async def repeat(wire, counts, number, data, rate):
    """Says it has everything, and then sends `data` again and again, `rate` bytes per second."""
    await say_seed(wire)
    wire.send(peer.UNCHOKE)
    task = asyncio.ensure_future(peer.read_on(wire))
    bucket = honest.Bucket(rate)
    try:
        while not task.done():
            times = max(1, rate // 50 // len(data))
            await bucket.take(times * len(data))
            wire.writer.write(data * times)
            counts["bytes"] += len(data) * times
            await wire.drain()
    finally:
        task.cancel()


async def poison_fast(wire, counts, number):
    """Gives what is asked for at once, with one wrong byte in each block, and stays."""
    await say_seed(wire)
    wire.send(peer.UNCHOKE)
    while True:
        for kind, payload in await wire.batch():
            if kind == peer.REQUEST:
                counts["requests"] += 1
                block = bytearray(wire.torrent.block(*struct.unpack(">III", payload)))
                block[number % len(block)] ^= 1
                wire.send(peer.PIECE, payload[:8] + bytes(block))
        await wire.drain()


async def push_metadata(wire, counts, number):
    """Sends metadata unasked, of the right size and wrong, again and again."""
    await say_seed(wire)
    size = len(wire.torrent.metadata)
    task = asyncio.ensure_future(count_requests(wire, counts))
    piece = 0
    try:
        while not task.done():
            part = os.urandom(min(peer.BLOCK, size - piece * peer.BLOCK))
            wire.send_extension("ut_metadata", {"msg_type": 1, "piece": piece, "total_size": size}, part)
            piece = (piece + 1) % ((size + peer.BLOCK - 1) // peer.BLOCK)
            counts["pushed"] += 1
            await wire.drain()
            await asyncio.sleep(0.01)
    finally:
        task.cancel()


async def count_requests(wire, counts):
    while True:
        counts["requests"] += len(list(metadata_requests(await wire.batch())))


async def drip_replies(counts, endpoints):
    """HTTP trackers whose reply never ends: a byte a second."""

    async def take(reader, writer):
        counts["requests"] += 1
        try:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nd8:intervali")
            while True:
                await writer.drain()
                await asyncio.sleep(1)
                writer.write(b"1")
        except peer.GONE:
            pass

    for address, port in endpoints:
        await asyncio.start_server(take, address, port)
    await peer.forever()


class Betrayers(Hosted):
    key, title = "X1", "30 peers give 16 blocks fast, and then nothing, beside a seed of 1 MB/s"
    size, rate, number, behave, arguments = 12 * MIB, 1_000_000, 30, betray, (16,)


class Dribblers(Hosted):
    key, title = "X2", "40 peers give each block at 200 bytes a second, beside a seed of 2 MB/s"
    size, rate, number, behave, arguments = 16 * MIB, 2_000_000, 40, drip, (200,)


class Flapping(Hosted):
    key, title = "X3", "10 peers choke and unchoke, 100 KB/s of it each"
    number, behave = 10, repeat
    arguments = (peer.message(peer.UNCHOKE) + peer.message(peer.CHOKE), 100_000)


class Suggesting(Hosted):
    key, title = "X4", "10 peers suggest pieces and allow them fast, 100 KB/s each, 20,000 pieces"
    size, piece_length, padding, rate = 8 * MIB, 16 * 1024, 20_000, 1_000_000
    words = ("--select", "1")
    number, behave = 10, repeat
    arguments = (
        b"".join(peer.message(kind, struct.pack(">I", 37 * i % 20_000)) for i in range(400) for kind in (0x0D, 0x11)),
        100_000,
    )


class Having(Suggesting):
    key, title = "X5", "5 peers say have again and again, 240 KB/s each, 20,000 pieces"
    number, arguments = 5, (
        b"".join(peer.message(peer.HAVE, struct.pack(">I", 37 * i % 20_000)) for i in range(800)),
        240_000,
    )


class FastPoison(Hosted):
    key, title = "X6", "6 fast liars change a byte in each block, pieces of 2 MiB, beside a seed of 1 MB/s"
    size, piece_length, rate, number, behave = 16 * MIB, 2 * MIB, 1_000_000, 6, poison_fast
    limit = 60.0


class PushedMetadata(Metadata):
    key, title = "X7", "10 peers push wrong metadata unasked"

    def start_attack(self, place, torrent):
        endpoints = place.attackers(10 * place.strength)
        place.spawn_attackers(peer.host, torrent, endpoints, push_metadata)
        return endpoints


class NamedOnManyPorts(TwoTrackers):
    key, title = "X8", "exchange names the honest seed's own address on 2,000 dead ports first, public"
    network, layouts, delay, limit = "public", ("one",), 5.0, 60.0

    def start_attack(self, place, torrent):
        address = self.honest_endpoint(place)[0]
        dead = [(address, 20_000 + i) for i in range(2000 * place.strength)]
        lists = [[dead[i : i + 200] for i in range(0, len(dead), 200)]]
        endpoints = place.attackers(4, first_port=7000)
        place.spawn_attackers(peer.host, torrent, endpoints, exchange, lists, 0.1)
        return endpoints


class LiarAtTheSameAddress(Hosted):
    key, title = "X9", "a liar behind the honest seed's own address (NAT), which is called again later, public"
    network, layouts, strengths, behave, limit = "public", ("one",), (1,), poison_fast, 60.0
    rate, size, piece_length = 1_000_000, 8 * MIB, 64 * 1024

    def start_attack(self, place, torrent):
        endpoints = [(place.address(2), 7000)]
        place.spawn_attackers(peer.host, torrent, endpoints, poison_fast)
        return endpoints


class DeadValues(Metadata):
    key, title = "X10", "7 of 8 DHT nodes name 100 dead endpoints in each reply, one names the honest seed, public"
    network, layouts, calls, limit = "public", ("many",), False, 40.0

    def measure(self, place, attacked):
        torrent = self.make_torrent(place)
        place.spawn(honest.seed, torrent, place.address(2), 6881)
        nodes = dht.endpoints(place, 8, first=900)
        holes = lab.BlackHole(place.network)
        dead = [holes.endpoint(i) for i in range(7 * 100 * place.strength)] if attacked else []
        place.spawn(dht.serve_dead_values, nodes, torrent.info_hash, place.address(2), dead)
        time.sleep(0.5)
        victim = place.magnetget(torrent.magnet, *self.words, dht=[f"{a}:{p}" for a, p in nodes[:2]])
        found = victim.wait_for("metadata", self.limit)
        duration = time.monotonic() - victim.begun
        result = self.result(victim, found, duration, victim.wait(0.5))
        victim.stop()
        return result


class DrippingTrackers(Metadata):
    key, title = "X11", "30 HTTP trackers drip a reply without end before the good one"
    limit, calls = 60.0, False
    words = ("--list", "--metadata-timeout", "60", "--peers-timeout", "60")

    def measure(self, place, attacked):
        self.slow = place.attackers(30 * place.strength) if attacked else []
        if self.slow:
            place.spawn_attackers(drip_replies, self.slow)
        return super().measure(place, attacked)

    def make_torrent(self, place):
        slow = [f"http://{address}:{port}/announce" for address, port in self.slow]
        good = f"http://{place.address(3)}:8080/announce"
        return peer.Torrent(self.size, self.piece_length, [*slow, good])

    def start_attack(self, place, torrent):
        return []

    def name(self, place, endpoints):
        place.spawn(honest.track, place.address(3), 8080, [self.honest_endpoint(place)])
        time.sleep(0.2)
        return []


ROWS = [Betrayers, Dribblers, Flapping, Suggesting, Having, FastPoison, PushedMetadata]
ROWS += [NamedOnManyPorts, LiarAtTheSameAddress, DeadValues, DrippingTrackers]
