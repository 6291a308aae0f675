"""Scripted honest peers: a seed of a fixed rate, a leecher that notes its first block, an HTTP tracker."""

import asyncio
import collections
import struct
import time
import urllib.parse

from . import peer
from .peer import BLOCK, EXTENDED, GONE, METADATA


LEECHER_ID = b"-HO0001-leecher00001"


class Bucket:
    """Paces all connections of one peer to a rate in bytes per second; None: no limit."""

    def __init__(self, rate):
        self.rate, self.free_at = rate, 0.0

    async def take(self, count):
        if not self.rate:
            return
        now = time.monotonic()
        self.free_at = max(self.free_at, now - 0.05) + count / self.rate
        if self.free_at > now:
            await asyncio.sleep(self.free_at - now)


class Seed:
    """Has everything, unchokes at once, gives what is asked for in order, and forgets what is cancelled."""

    def __init__(self, torrent, counts, rate=None, peer_id=None, knows=(), reserved=peer.RESERVED):
        self.torrent, self.counts, self.bucket = torrent, counts, Bucket(rate)
        self.peer_id, self.knows, self.reserved = peer_id, knows, reserved

    async def behave(self, wire):
        await (wire.shake if wire.is_caller else wire.answer)(self.peer_id, self.reserved)
        self.counts["shaken"] += 1
        self.counts.setdefault("first_shaken", time.monotonic())
        wire.hello(len(self.torrent.metadata))
        wire.send(peer.BITFIELD, self.torrent.full_bitfield)
        wanted, more = collections.deque(), asyncio.Event()
        giving = asyncio.ensure_future(self.give(wire, wanted, more))
        try:
            while True:
                for kind, payload in await wire.batch():
                    self.answer(wire, kind, payload, wanted, more)
        finally:
            giving.cancel()

    def answer(self, wire, kind, payload, wanted, more):
        if kind == peer.INTERESTED:
            wire.send(peer.UNCHOKE)
        elif kind == peer.REQUEST:
            wanted.append(payload)
            more.set()
        elif kind == peer.CANCEL:
            if payload in wanted:
                wanted.remove(payload)
        elif kind == EXTENDED and payload[:1] == b"\0" and self.knows:
            wire.send_extension("ut_pex", {"added": peer.compact(self.knows), "added.f": bytes(len(self.knows))})
        elif kind == EXTENDED and payload[0] == METADATA:
            asked = peer.bdecode(payload[1:])[0]
            if asked.get(b"msg_type") == 0:
                self.counts["metadata_requests"] += 1
                give_metadata(wire, self.torrent.metadata, asked[b"piece"])

    async def give(self, wire, wanted, more):
        try:
            while True:
                while not wanted:
                    more.clear()
                    await more.wait()
                piece, offset, length = struct.unpack(">III", wanted[0])
                await self.bucket.take(length)
                if not wanted:
                    continue
                piece, offset, length = struct.unpack(">III", wanted.popleft())
                self.counts["blocks"] += 1
                wire.send(peer.PIECE, struct.pack(">II", piece, offset) + self.torrent.block(piece, offset, length))
                await wire.drain()
        except GONE:
            pass


def give_metadata(wire, metadata, piece):
    part = metadata[piece * BLOCK : (piece + 1) * BLOCK]
    wire.send_extension("ut_metadata", {"msg_type": 1, "piece": piece, "total_size": len(metadata)}, part)


async def seed(counts, torrent, address, port, rate=None, victim=None, delay=0.0, **more):
    """Listens, and with `victim` also calls it after `delay` seconds and again whenever the connection is lost."""
    honest = Seed(torrent, counts, rate, **more)
    await peer.listen(torrent, address, port, honest.behave, counts)
    if victim:
        await asyncio.sleep(delay)
        await peer.call(torrent, victim, address, honest.behave, counts, pause=1.0)
    await peer.forever()


class Leecher:
    """Fetches everything from one peer, verifies it, and notes when the first block came and when the last."""

    def __init__(self, torrent, counts, depth=64):
        self.torrent, self.counts, self.depth = torrent, counts, depth
        self.missing = list(range(torrent.own_pieces))
        self.begun = time.monotonic()
        self.first = self.done = None
        self.peer_id = LEECHER_ID

    async def behave(self, wire):
        await wire.shake(self.peer_id)
        self.counts["shaken"] += 1
        self.counts.setdefault("shaken_after", time.monotonic() - self.begun)
        wire.hello()
        wire.send(peer.HAVE_NONE)
        wire.send(peer.INTERESTED)
        blocks = [
            (piece, offset)
            for piece in self.missing
            for offset in range(0, self.torrent.length_of(piece), BLOCK)
        ]
        todo, asked, got = collections.deque(blocks), set(), {}
        unchoked = False
        while self.missing:
            for kind, payload in await wire.batch():
                if kind == peer.UNCHOKE:
                    unchoked = True
                    self.counts["unchoked"] += 1
                elif kind == peer.CHOKE:
                    unchoked = False
                    todo.extendleft(sorted(asked, reverse=True))
                    asked.clear()
                elif kind == peer.REJECT:
                    key = struct.unpack(">II", payload[:8])
                    if key in asked:
                        asked.remove(key)
                        todo.append(key)
                elif kind == peer.PIECE:
                    self.take(payload, asked, got)
            while unchoked and todo and len(asked) < self.depth:
                key = todo.popleft()
                asked.add(key)
                length = min(BLOCK, self.torrent.length_of(key[0]) - key[1])
                wire.writer.write(peer.request(*key, length))
        self.done = time.monotonic() - self.begun

    def take(self, payload, asked, got):
        key = struct.unpack(">II", payload[:8])
        if key not in asked:
            return
        asked.remove(key)
        self.first = self.first or time.monotonic() - self.begun
        self.counts["bytes"] += len(payload) - 8
        blocks = got.setdefault(key[0], {})
        blocks[key[1]] = payload[8:]
        if sum(map(len, blocks.values())) == self.torrent.length_of(key[0]):
            data = b"".join(blocks[offset] for offset in sorted(blocks))
            start = key[0] * self.torrent.piece_length
            if data != self.torrent.payload[start : start + len(data)]:
                self.counts["wrong_pieces"] += 1
            self.missing.remove(key[0])


async def leech(counts, torrent, target, source, limit=45.0, depth=64):
    """Calls until all is there or the time is over."""
    leecher = Leecher(torrent, counts, depth)

    async def keep_on():
        while leecher.done is None:
            await peer.call(torrent, target, source, leecher.behave, counts, pause=0.2, times=1)

    try:
        await asyncio.wait_for(keep_on(), limit)
    except asyncio.TimeoutError:
        pass
    return {"first": leecher.first, "seconds": leecher.done}


async def knock(counts, torrent, target, source, limit=10.0):
    """Shakes hands once; `answered`: how long that took, or None."""
    begun = time.monotonic()

    async def once():
        reader, writer = await asyncio.open_connection(*target, local_addr=(source, 0))
        wire = peer.Wire(reader, writer, torrent)
        await wire.shake()
        wire.hello()
        await wire.batch()
        writer.close()

    try:
        await asyncio.wait_for(once(), limit)
    except (*GONE, asyncio.TimeoutError):
        return {"answered": None}
    return {"answered": time.monotonic() - begun}


class Tracker:
    """An HTTP tracker with a fixed list, which names no peers to an announce with numwant=0."""

    def __init__(self, counts, peers, delay=0.0, interval=60, later=None):
        self.counts, self.peers, self.delay, self.interval = counts, peers, delay, interval
        self.later, self.begun = later, time.monotonic()

    async def take(self, reader, writer):
        try:
            line = (await reader.readline()).decode("latin-1")
            while (await reader.readline()).strip():
                pass
            self.counts["announces"] += 1
            self.counts.setdefault("first_announce", time.monotonic())
            await asyncio.sleep(self.delay)
            query = urllib.parse.parse_qs(urllib.parse.urlsplit(line.split()[1]).query)
            wanted = int(query.get("numwant", ["50"])[0])
            peers = list(self.peers)
            if self.later and time.monotonic() - self.begun > self.later[0]:
                peers = list(self.later[1])
            self.counts["numwant_0"] += wanted == 0
            body = {"interval": self.interval, "peers": peer.compact(peers if wanted else []), "complete": len(peers)}
            body["min interval"] = self.interval
            text = peer.bencode(body)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(text) + text)
            await writer.drain()
        except (*GONE, IndexError):
            pass
        finally:
            writer.close()


async def track(counts, address, port, peers, **more):
    tracker = Tracker(counts, peers, **more)
    await asyncio.start_server(tracker.take, address, port, backlog=512)
    await peer.forever()
