"""Attacks on a seed, beside an honest leecher: A4, A5, A8, U1 to U4."""

import asyncio
import os
import random
import time

from . import honest, peer
from .scenes import MIB, Serve


async def hold_silently(counts, target, sources, number, renewals, opening):
    """Keeps `number` connections open and renews the oldest so often a second; `opening` is what each says first."""
    held, turn, begun, renewed = [], 0, time.monotonic(), 0

    async def connect():
        nonlocal turn
        source = sources[turn % len(sources)]
        turn += 1
        try:
            reader, writer = await asyncio.wait_for(
                asyncio.open_connection(*target, local_addr=(source, 0)), 2
            )
        except (OSError, asyncio.TimeoutError):
            counts["refused"] += 1
            return
        counts["calls"] += 1
        writer.write(opening())
        held.append((reader, writer))

    for _ in range(number):
        await connect()
    while True:
        await asyncio.sleep(0.05)
        # What the victim has closed is replaced at once, too.
        for index in [i for i, (reader, _) in enumerate(held) if reader.at_eof()][::-1]:
            held.pop(index)[1].close()
        while renewed < (time.monotonic() - begun) * renewals:
            renewed += 1
            if held:
                held.pop(0)[1].close()
            await connect()
        for _ in range(min(20, number - len(held))):
            await connect()


async def want_and_idle(wire, counts, number, manner):
    """Interested, and then keep-alives only; or requests whose answers are never read."""
    await peer.open_up(wire)
    wire.hello()
    wire.send(peer.HAVE_NONE)
    wire.send(peer.INTERESTED)
    await wire.drain()
    if manner == "idle":
        task = asyncio.ensure_future(count_kinds(wire, counts))
        while not task.done():
            await asyncio.sleep(1)
            wire.writer.write(bytes(4))
    elif manner == "unread":
        while True:
            if any(kind == peer.UNCHOKE for kind, _ in await wire.batch()):
                break
        counts["unchoked"] += 1
        for index in range(500):
            piece, block = divmod(index, 16)
            wire.writer.write(peer.request(piece % wire.torrent.pieces, block * peer.BLOCK))
        await peer.read_nothing(wire)


async def count_kinds(wire, counts):
    while True:
        for kind, _ in await wire.batch():
            counts["unchoked"] += kind == peer.UNCHOKE


async def leave_rejects(wire, counts, number, total):
    """Asks while choked, as the fast extension lets it, and reads none of the rejects."""
    await peer.open_up(wire)
    wire.send(peer.HAVE_NONE)
    wire.reader._transport.pause_reading()
    requests = b"".join(peer.request(i % wire.torrent.pieces, 0) for i in range(4096))
    sent = 0
    while sent < total:
        wire.writer.write(requests)
        sent += len(requests)
        counts["bytes"] += len(requests)
        await wire.drain()
    await peer.forever()


async def cancel_on(wire, counts, number):
    """Fills its queue of requests and cancels what was never asked for."""
    await peer.open_up(wire)
    wire.send(peer.HAVE_NONE)
    wire.send(peer.INTERESTED)
    asked = b"".join(peer.request(0, 16 * index, 16) for index in range(4096))
    unknown = b"".join(peer.request(1, 16 * index, 16, peer.CANCEL) for index in range(4096))
    task = asyncio.ensure_future(count_kinds(wire, counts))
    try:
        while not task.done():
            wire.writer.write(asked + unknown * 4)
            counts["cancels"] += 4 * 4096
            await wire.drain()
            await asyncio.sleep(0)
    finally:
        task.cancel()


async def take_metadata(wire, counts, number):
    """Takes the metadata four times, and comes back for more on a new connection."""
    await peer.open_up(wire)
    wire.hello()
    pieces = (len(wire.torrent.metadata) + peer.BLOCK - 1) // peer.BLOCK
    got, asked = 0, 0

    async def ask():
        nonlocal got, asked
        while got < 4 * pieces:
            for kind, payload in await wire.batch():
                counts["bytes"] += len(payload)
                got += kind == peer.EXTENDED and len(payload) > peer.BLOCK // 2
            while wire.their_extensions and asked < min(got + 64, 4 * pieces):
                wire.send_extension("ut_metadata", {"msg_type": 0, "piece": asked % pieces})
                asked += 1
            await wire.drain()

    try:
        await asyncio.wait_for(ask(), 3)
    except asyncio.TimeoutError:
        pass
    wire.writer.transport.abort()


async def request_and_drop(wire, counts, number):
    """Requests, reads nothing, drops the connection, and returns."""
    await peer.open_up(wire)
    wire.hello()
    wire.send(peer.HAVE_NONE)
    wire.send(peer.INTERESTED)
    await wire.drain()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        kinds = {kind for kind, _ in await wire.batch()}
        if peer.UNCHOKE in kinds:
            counts["unchoked"] += 1
            for index in range(256):
                piece, block = divmod(index, 16)
                wire.writer.write(peer.request(piece % wire.torrent.pieces, block * peer.BLOCK))
            wire.reader._transport.pause_reading()
            await wire.drain()
            await asyncio.sleep(0.3)
            # A reset: what is in the buffers of both ends is lost.
            wire.writer.transport.abort()
            return


async def take_slowly(wire, counts, number, pause):
    """A block every few seconds, for ever."""
    await peer.open_up(wire)
    wire.hello()
    wire.send(peer.HAVE_NONE)
    wire.send(peer.INTERESTED)
    generator = random.Random(number)
    unchoked = asyncio.Event()

    async def read():
        while True:
            for kind, _ in await wire.batch():
                if kind == peer.UNCHOKE:
                    counts["unchoked"] += 1
                    unchoked.set()
                elif kind == peer.CHOKE:
                    unchoked.clear()
                elif kind == peer.PIECE:
                    counts["blocks"] += 1

    task = asyncio.ensure_future(read())
    while not task.done():
        await unchoked.wait()
        wire.writer.write(peer.request(generator.randrange(wire.torrent.pieces), 0))
        await wire.drain()
        await asyncio.sleep(pause)


class Called(Serve):
    """Attackers that call the seed and behave as `behave`."""

    number, behave, arguments, pause, spread = 1, None, (), 0.5, 0.005

    def start_attack(self, lab, torrent):
        sources = [lab.attacker(i) for i in range(self.number * lab.strength)]
        lab.spawn_attackers(
            peer.callers,
            torrent,
            lab.victim,
            sources,
            type(self).behave,
            *self.arguments,
            pause=self.pause,
            spread=self.spread,
        )


def nothing():
    return b""


def encrypted_opening():
    return os.urandom(96)


class Pending(Serve):
    key, title = "A4", "110 silent connections, renewed at 41 a second; three honest callers"
    opening = nothing
    is_quick = True

    def start_attack(self, lab, torrent):
        sources = [lab.attacker(i) for i in range(110 * lab.strength)]
        lab.spawn_attackers(
            hold_silently,
            lab.victim,
            sources,
            110 * lab.strength,
            41 * lab.strength,
            type(self).opening,
        )

    def visit(self, lab, torrent):
        callers = [lab.spawn(honest.knock, torrent, lab.victim, lab.address(20 + i), limit=10) for i in range(3)]
        answers = [caller.wait(12) or {} for caller in callers]
        result = super().visit(lab, torrent)
        result["knocks"] = [answer.get("answered") for answer in answers]
        return result

    def judge_more(self, alone, beside):
        return [
            f"an honest caller is answered after {knock and round(knock, 1)} s"
            for knock in beside["knocks"]
            if knock is None or knock > 1.0 + (alone["knocks"][0] or 0)
        ][:1]


class PendingEncrypted(Pending):
    key, title = "A4b", "110 connections that begin an encrypted opening and no more, renewed at 41 a second"
    opening = encrypted_opening


class Connected(Called):
    key, title = "A4c", "220 connected peers that idle, 11 new ones a second"
    number, spread = 220, 0.005

    async def behave(wire, counts, number):
        await peer.open_up(wire)
        wire.hello()
        wire.send(peer.HAVE_NONE)
        try:
            await asyncio.wait_for(peer.read_on(wire), 20)
        except asyncio.TimeoutError:
            pass


class Idle(Called):
    key, title = "A5", "20 peers interested, keep-alives only"
    number, behave, arguments = 20, want_and_idle, ("idle",)
    is_quick = True


class Unread(Called):
    key, title = "A5b", "20 peers request and never read"
    number, behave, arguments = 20, want_and_idle, ("unread",)


class Rejects(Called):
    key, title = "A8", "145 peers leave 14 MiB of rejects unread each"
    number, behave, arguments = 145, leave_rejects, (14 * MIB,)
    settle, pause = 10.0, 5.0


class Cancels(Called):
    key, title = "U1", "cancels of nothing against full queues, 4 peers"
    number, behave = 4, cancel_on
    is_quick = True


class MetadataOver(Called):
    key, title = "U2", "metadata over and over, reconnecting, --upload-limit 500K"
    size, filler, number, behave, pause = 4 * MIB, 2_000_000, 4, take_metadata, 0.01
    words = ("--upload-limit", "500K")
    leech_limit = 40.0

    def judge_more(self, alone, beside):
        rate = beside["attackers"].get("bytes", 0) / beside["duration"]
        return [f"{rate / 1e6:.1f} MB/s of metadata sent with a limit of 0.5"] if rate > 0.6e6 else []


class RequestAndDrop(Called):
    key, title = "U3", "6 peers request, read nothing, drop and return; --upload-limit 1M"
    number, behave, pause = 6, request_and_drop, 0.2
    words = ("--upload-limit", "1M")
    leech_limit = 40.0
    is_quick = True


class SlowTakers(Called):
    key, title = "U4", "40 slow takers, a block each 4 s"
    number, behave, arguments = 40, take_slowly, (4.0,)
    settle = 5.0


ROWS = [Pending, PendingEncrypted, Connected, Idle, Unread, Rejects, Cancels, MetadataOver, RequestAndDrop, SlowTakers]
