"""Attacks of our own on seeds, beyond the list: X12 to X17."""

import asyncio
import os
import time

from . import honest, peer
from .scenes import Serve
from .serve_rows import Called, count_kinds, take_slowly


async def flood(wire, counts, number, data, rate):
    """Sends `data` again and again, `rate` bytes per second, and reads what comes."""
    await peer.open_up(wire)
    wire.hello()
    wire.send(peer.HAVE_NONE)
    task = asyncio.ensure_future(count_kinds(wire, counts))
    bucket = honest.Bucket(rate)
    try:
        while not task.done():
            times = max(1, rate // 50 // len(data))
            await bucket.take(times * len(data))
            wire.writer.write(data * times)
            counts["bytes"] += times * len(data)
            await wire.drain()
    finally:
        task.cancel()


async def take_crumbs(wire, counts, number):
    """Fills its queue with requests of 16 bytes, and asks for more as they come."""
    await peer.open_up(wire)
    wire.hello()
    wire.send(peer.HAVE_NONE)
    wire.send(peer.INTERESTED)
    turn = 0
    while True:
        answered = 0
        for kind, _ in await wire.batch():
            answered += 500 if kind == peer.UNCHOKE else kind in (peer.PIECE, peer.REJECT)
        counts["requests"] += answered
        requests = [peer.request(turn % wire.torrent.pieces, 16 * (i % 1000), 16) for i in range(answered)]
        turn += 1
        wire.writer.write(b"".join(requests))
        await wire.drain()


async def open_encrypted(counts, target, sources, rate):
    """Begins encrypted openings and drops them: each costs the other end two powers of 768 bits."""

    async def once(source):
        try:
            reader, writer = await asyncio.open_connection(*target, local_addr=(source, 0))
            counts["calls"] += 1
            writer.write(os.urandom(96 + 64))
            await asyncio.wait_for(reader.read(96), 2)
            writer.transport.abort()
        except (*peer.GONE, asyncio.TimeoutError):
            counts["refused"] += 1

    turn, begun = 0, time.monotonic()
    while True:
        await asyncio.sleep(0.01)
        while turn < (time.monotonic() - begun) * rate:
            asyncio.ensure_future(once(sources[turn % len(sources)]))
            turn += 1


async def hold_id(wire, counts, number, peer_id):
    """Connects with the peer id of the honest leecher, and idles."""
    await peer.open_up(wire, peer_id)
    wire.hello()
    wire.send(peer.HAVE_NONE)
    wire.send(peer.INTERESTED)
    await peer.read_on(wire)


class SteadyTakers(Called):
    key, title = "X12", "40 takers, a block each half second"
    number, behave, arguments, settle = 40, take_slowly, (0.5,), 5.0


class Hellos(Called):
    key, title = "X13", "4 peers send extension handshakes of 20 KB, 2 MB/s each"
    number, behave = 4, flood
    arguments = (
        peer.message(peer.EXTENDED, b"\0" + peer.bencode({"m": {f"ut_{i}": i % 250 + 1 for i in range(1500)}})),
        2_000_000,
    )


class Crumbs(Called):
    key, title = "X14", "20 peers request 16 bytes at a time"
    number, behave = 20, take_crumbs


class Openings(Serve):
    key, title = "X15", "encrypted openings that are dropped, 200 a second"

    def start_attack(self, place, torrent):
        sources = [place.attacker(i) for i in range(200)]
        place.spawn_attackers(open_encrypted, place.victim, sources, 200 * place.strength)


class Interests(Called):
    key, title = "X16", "20 peers change their interest, 50 KB/s of it each"
    number, behave = 20, flood
    arguments = (peer.message(peer.INTERESTED) + peer.message(peer.NOT_INTERESTED), 50_000)


class CopiedLeecherID(Called):
    key, title = "X17", "5 idlers have the peer id of the honest leecher"
    number, behave, arguments = 5, hold_id, (honest.LEECHER_ID,)


ROWS = [SteadyTakers, Hellos, Crumbs, Openings, Interests, CopiedLeecherID]
