"""Attacks of our own that hold places, limits and memory at next to no cost: X18 to X24."""

import asyncio
import socket
import struct
import time

from . import honest, peer
from .download_rows import Hosted
from .metadata_rows import say_seed
from .own_download_rows import repeat
from .peers_rows import IdleCallers, TwoTrackers
from .scenes import MIB, Serve
from .serve_rows import Called


async def take_seldom(wire, counts, number, length, pause):
    """Takes `length` bytes every `pause` seconds, just enough to look busy."""
    await peer.open_up(wire)
    wire.hello()
    wire.send(peer.HAVE_NONE)
    wire.send(peer.INTERESTED)
    has_place = asyncio.Event()

    async def read():
        while True:
            for kind, _ in await wire.batch():
                if kind == peer.UNCHOKE:
                    has_place.set()
                elif kind == peer.CHOKE:
                    has_place.clear()
                elif kind == peer.PIECE:
                    counts["blocks"] += 1

    reading = asyncio.ensure_future(read())
    while not reading.done():
        await has_place.wait()
        wire.send(peer.REQUEST, struct.pack(">III", number % wire.torrent.pieces, 0, length))
        await wire.drain()
        await asyncio.sleep(pause)


async def push_unasked(wire, counts, number, rate):
    """Sends blocks that were not asked for, `rate` bytes per second."""
    await say_seed(wire)
    wire.send(peer.UNCHOKE)
    reading = asyncio.ensure_future(peer.read_on(wire))
    bucket = honest.Bucket(rate)
    block = peer.message(peer.PIECE, struct.pack(">II", 0, 1) + bytes(16_000))
    try:
        while not reading.done():
            await bucket.take(len(block))
            wire.writer.write(block)
            counts["bytes"] += len(block)
            await wire.drain()
    finally:
        reading.cancel()


async def leave_unfinished(wire, counts, number, length):
    """Sends an extended message of `length` bytes without its last byte."""
    await peer.open_up(wire)
    reading = asyncio.ensure_future(peer.read_on(wire))
    wire.writer.write(struct.pack(">IB", length + 1, peer.EXTENDED) + b"\x07" + bytes(length - 2))
    counts["bytes"] += length
    await wire.drain()
    await reading


async def trickle(wire, counts, number, pause):
    """Gives one right block, and another one every `pause` seconds."""
    await say_seed(wire)
    wire.send(peer.UNCHOKE)
    wanted = asyncio.Queue()

    async def read():
        while True:
            for kind, payload in await wire.batch():
                if kind == peer.REQUEST:
                    wanted.put_nowait(payload)

    reading = asyncio.ensure_future(read())
    try:
        while not reading.done():
            taking = asyncio.ensure_future(wanted.get())
            await asyncio.wait([taking, reading], return_when=asyncio.FIRST_COMPLETED)
            if not taking.done():
                return
            payload = taking.result()
            wire.send(peer.PIECE, payload[:8] + wire.torrent.block(*struct.unpack(">III", payload)))
            counts["blocks"] += 1
            await wire.drain()
            await asyncio.sleep(pause)
    finally:
        reading.cancel()


async def read_slowly(counts, torrent, target, sources, rate):
    """Calls with small receive buffers; each caller keeps requests outstanding and reads `rate` bytes per second."""

    async def act(wire):
        await peer.open_up(wire)
        wire.hello()
        wire.send(peer.HAVE_NONE)
        wire.send(peer.INTERESTED)
        owed, has_place, turn = 0, False, 0
        while True:
            begun, read = time.monotonic(), 0
            for kind, payload in await wire.batch():
                read += len(payload)
                if kind == peer.UNCHOKE:
                    owed, has_place = 0, True
                elif kind == peer.CHOKE:
                    has_place = False
                elif kind == peer.PIECE:
                    counts["blocks"] += 1
                    owed -= 1
            while has_place and owed < 16:
                place = struct.pack(">III", turn % wire.torrent.pieces, 16_384 * (turn % 16), 16_384)
                wire.send(peer.REQUEST, place)
                owed, turn = owed + 1, turn + 1
            await wire.drain()
            await asyncio.sleep(max(0, read / rate - (time.monotonic() - begun)))

    async def call(source):
        while True:
            try:
                caller = socket.socket()
                caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
                caller.setblocking(False)
                caller.bind((source, 0))
                await asyncio.get_running_loop().sock_connect(caller, target)
                reader, writer = await asyncio.open_connection(sock=caller, limit=8_192)
            except OSError:
                counts["refused"] += 1
            else:
                counts["calls"] += 1
                await peer.converse(reader, writer, torrent, act, counts, is_caller=True)
            await asyncio.sleep(1)

    await peer.together(*(call(source) for source in sources))


class SeldomTakers(Called):
    key, title = "X18", "160 callers take 16 bytes every 20 s"
    number, behave, arguments, settle = 160, take_seldom, (16, 20.0), 12.0


class SeldomTakersPublic(SeldomTakers):
    key, title, network = "X18p", "the same in public mode", "public"


class UnaskedBlocks(Hosted):
    key, title = "X19", "a peer pushes 800 KB/s that was not asked for beside --download-limit 500K"
    size, rate, number, behave, arguments = 4 * MIB, None, 1, push_unasked, (800_000,)
    words = ("--download-limit", "500K")
    limit = 40.0


class UnfinishedMessages(Called):
    key, title = "X20", "150 callers send an extended message of 128 KiB less a byte"
    number, behave, arguments, settle = 150, leave_unfinished, (128 * 1024,), 8.0


class UnfinishedMessagesOfNamed(Hosted):
    key, title = "X20d", "250 named peers send an extended message of 128 KiB less a byte"
    size, rate, number, behave, arguments = 16 * MIB, 1_000_000, 250, leave_unfinished, (128 * 1024,)


class TricklingPeers(TwoTrackers):
    key, title = "X21", "300 named peers give a block every 15 s; another tracker names the honest seed after 20 s"
    size, rate, delay, limit = 64 * MIB, 8_000_000, 20.0, 90.0
    layouts = ("many",)

    def start_attack(self, place, torrent):
        endpoints = place.attackers(300 * place.strength)
        place.spawn_attackers(peer.host, torrent, endpoints, trickle, 15.0)
        return endpoints


class TricklingCallers(IdleCallers):
    key, title = "X22", "130 callers give a block every 30 s on a tracker-only torrent whose seed comes later"
    size, rate = 16 * MIB, 2_000_000

    def start_attack(self, place, torrent):
        sources = [place.attacker(i) for i in range(130 * place.strength)]
        place.spawn_attackers(peer.callers, torrent, place.victim, sources, trickle, 30.0, pause=0.3, spread=0.002)
        return []


class SteadyReaders(Serve):
    key, title = "X23", "140 callers of small buffers read 25 KB/s each"
    settle, number, rate = 6.0, 140, 25_000

    def start_attack(self, place, torrent):
        sources = [place.attacker(i) for i in range(self.number * place.strength)]
        place.spawn_attackers(read_slowly, torrent, place.victim, sources, self.rate)


class EmptyBlocks(Hosted):
    key, title = "X24", "4 peers push blocks of no bytes, 1 MB/s each"
    size, rate, number, behave = 16 * MIB, 1_000_000, 4, repeat
    arguments = (peer.message(peer.PIECE, struct.pack(">II", 0, 1)), 1_000_000)


ROWS = [SeldomTakers, SeldomTakersPublic, UnaskedBlocks, UnfinishedMessages, UnfinishedMessagesOfNamed]
ROWS += [TricklingPeers, TricklingCallers, SteadyReaders, EmptyBlocks]
