"""Attacks on a download: A2, A3, D1 to D6."""

import asyncio
import os
import struct
import time

from . import honest, peer
from .metadata_rows import say_seed
from .scenes import MIB, Attack, Download


async def refuse_and_offer(wire, counts, number):
    """Unchokes, rejects each request, and says `have` for the piece again."""
    await say_seed(wire)
    wire.send(peer.UNCHOKE)
    while True:
        answers = []
        for kind, payload in await wire.batch():
            if kind == peer.REQUEST:
                answers.append(b"\0\0\0\x0d\x10" + payload + b"\0\0\0\x05\x04" + payload[:4])
        counts["requests"] += len(answers)
        wire.writer.write(b"".join(answers))
        await wire.drain()


async def change_mind(wire, counts, number, rate):
    """`have_all` and `have_none` in turn, `rate` bytes per second."""
    await peer.open_up(wire)
    wire.hello()
    pairs = peer.message(peer.HAVE_ALL) + peer.message(peer.HAVE_NONE)
    wire.writer.write(pairs)
    task = asyncio.ensure_future(peer.read_on(wire))
    bucket = honest.Bucket(rate)
    try:
        while not task.done():
            count = max(1, rate // 50 // len(pairs))
            await bucket.take(count * len(pairs))
            wire.writer.write(pairs * count)
            counts["messages"] += 2 * count
            await wire.drain()
    finally:
        task.cancel()


async def give_nothing(wire, counts, number, manner):
    """A fake seed: gives nothing, or 100 bytes of a block once, or chokes after each batch of requests."""
    await say_seed(wire)
    wire.send(peer.UNCHOKE)
    given = False
    while True:
        requests = [payload for kind, payload in await wire.batch() if kind == peer.REQUEST]
        counts["requests"] += len(requests)
        if not requests:
            continue
        if manner == "dribble" and not given:
            given = True
            piece, offset, length = struct.unpack(">III", requests[0])
            head = struct.pack(">IBII", length + 9, peer.PIECE, piece, offset)
            wire.writer.write(head + wire.torrent.block(piece, offset, 100))
        elif manner == "choke":
            # With the fast extension a choke leaves requests standing: each is rejected.
            rejects = b"".join(peer.message(peer.REJECT, payload) for payload in requests)
            wire.writer.write(peer.message(peer.CHOKE) + rejects + peer.message(peer.UNCHOKE))
        await wire.drain()


async def poison(wire, counts, number, length):
    """Gives one wrong block, or the first bytes of one, hangs up, and takes the next call."""
    await say_seed(wire)
    wire.send(peer.UNCHOKE)
    while True:
        for kind, payload in await wire.batch():
            if kind == peer.REQUEST:
                counts["poison"] += 1
                piece, offset, wanted = struct.unpack(">III", payload)
                wrong = os.urandom(min(wanted, length or wanted))
                wire.writer.write(struct.pack(">IBII", wanted + 9, peer.PIECE, piece, offset) + wrong)
                await wire.drain()
                await asyncio.sleep(0.05)
                return


async def poison_and_drip(wire, counts, number, share):
    """Poisons each piece a little, and then drips when the suspect is asked of it alone."""
    await say_seed(wire)
    wire.send(peer.UNCHOKE)
    given = 0
    while True:
        for kind, payload in await wire.batch():
            if kind != peer.REQUEST:
                continue
            piece, offset, wanted = struct.unpack(">III", payload)
            block = wire.torrent.block(piece, offset, wanted)
            if given < share:
                block = bytes([block[0] ^ 1]) + block[1:]
                counts["poison"] += 1
            else:
                await asyncio.sleep(1.5)
            given += 1
            wire.send(peer.PIECE, payload[:8] + block)
            await wire.drain()


async def drip(wire, counts, number, rate):
    """Gives each block by the byte, `rate` bytes per second over the connection."""
    await say_seed(wire)
    wire.send(peer.UNCHOKE)
    waiting = []
    task = asyncio.ensure_future(collect(wire, waiting, counts))
    try:
        while not task.done():
            while not waiting:
                await asyncio.sleep(0.05)
            payload = waiting.pop(0)
            piece, offset, length = struct.unpack(">III", payload)
            data = peer.message(peer.PIECE, payload[:8] + wire.torrent.block(piece, offset, length))
            step = max(1, rate // 10)
            for start in range(0, len(data), step):
                wire.writer.write(data[start : start + step])
                counts["bytes"] += step
                await wire.drain()
                await asyncio.sleep(0.1)
    finally:
        task.cancel()


async def collect(wire, waiting, counts):
    while True:
        for kind, payload in await wire.batch():
            if kind == peer.REQUEST:
                counts["requests"] += 1
                waiting.append(payload)


async def drip_unwanted(wire, counts, number):
    """Gives two blocks, and then drips the first of them again and again, so that bytes of a block always arrive."""
    await say_seed(wire)
    wire.send(peer.UNCHOKE)
    waiting = []
    task = asyncio.ensure_future(collect(wire, waiting, counts))
    try:
        while not task.done() and len(waiting) < 2:
            await asyncio.sleep(0.05)
        blocks = [(payload, wire.torrent.block(*struct.unpack(">III", payload))) for payload in waiting[:2]]
        for payload, block in blocks:
            wire.send(peer.PIECE, payload[:8] + block)
        payload, block = blocks[0]
        while not task.done():
            data = peer.message(peer.PIECE, payload[:8] + block)
            for start in range(0, len(data), 50):
                wire.writer.write(data[start : start + 50])
                counts["bytes"] += 50
                await wire.drain()
                await asyncio.sleep(0.25)
    finally:
        task.cancel()


class Hosted(Download):
    """A download beside `number` listening attackers that behave as `behave`."""

    number, behave, arguments = 1, None, ()

    def start_attack(self, lab, torrent):
        endpoints = lab.attackers(self.number * lab.strength)
        lab.spawn_attackers(peer.host, torrent, endpoints, type(self).behave, *self.arguments)
        return endpoints


class Refusing(Hosted):
    key, title = "A2", "3 peers reject each request and say have again"
    size, number, behave = 32 * MIB, 3, refuse_and_offer
    is_quick = True

    def judge_more(self, alone, beside):
        asked = beside["attackers"].get("requests", 0)
        return [f"{asked:,} requests"] if asked >= 1000 * beside["strength"] else []


class ChangingMind(Hosted):
    key, title = "A3", "have_all and have_none in turn, 240 KB/s, 20,000 pieces of which 512 are wanted"
    size, piece_length, padding = 8 * MIB, 16 * 1024, 20_000
    rate = 1_000_000
    words = ("--select", "1")
    number, behave, arguments = 1, change_mind, (240_000,)


class ChangingMindOfMany(ChangingMind):
    key, title = "A3b", "have_all and have_none in turn, 240 KB/s, a million pieces"
    size, padding = 2 * MIB, 1_000_000
    strengths = (1,)


class FakeSeeds(Hosted):
    key, title = "D1", "30 fake seeds unchoke and give nothing beside a seed of 1 MB/s"
    size, rate, number, behave, arguments = 8 * MIB, 1_000_000, 30, give_nothing, ("silent",)
    is_quick = True


class FakeSeedsFaster(FakeSeeds):
    key, title = "D1b", "100 fake seeds beside a seed of 4 MB/s"
    size, rate, number = 32 * MIB, 4_000_000, 100


class FakeSeedsDribbling(FakeSeeds):
    key, title = "D1c", "30 fake seeds give 100 bytes once"
    arguments = ("dribble",)


class FakeSeedsChoking(FakeSeeds):
    key, title = "D1d", "30 fake seeds choke after each batch of requests"
    arguments = ("choke",)


class Poisoning(Hosted):
    key, title = "D2", "10 peers give one wrong block, hang up and are called again"
    size, rate, number, behave, arguments = 16 * MIB, 1_000_000, 10, poison, (None,)
    limit = 60.0

    def start_attack(self, lab, torrent):
        endpoints = super().start_attack(lab, torrent)
        sources = [address for address, _ in endpoints]
        lab.spawn_attackers(
            peer.callers, torrent, lab.victim, sources, type(self).behave, *self.arguments, pause=0.3, spread=0.02
        )
        return endpoints


class PoisoningHalf(Poisoning):
    key, title = "D2b", "10 peers give the first 512 bytes of a block, wrong, and hang up"
    arguments = (512,)


class Deadlines(Hosted):
    key, title = "D3", "--stdout with 5 dribblers: first byte"
    size, rate, number, behave, arguments = 16 * MIB, 1_000_000, 5, drip, (600,)
    layouts = ("one", "many")

    def measure(self, lab, attacked):
        torrent = self.make_torrent(lab)
        torrent.write(lab.path("t.torrent"))
        seed = self.start_honest(lab, torrent)
        endpoints = self.start_attack(lab, torrent) if attacked else []
        words = self.name(lab, endpoints + [self.honest_endpoint(lab)])
        time.sleep(0.3)
        victim = lab.magnetget(
            lab.path("t.torrent"), "--stdout", *words, json_output=False, binary=True
        )
        code = victim.wait(self.limit)
        result = {
            "first": victim.first_byte_at and round(victim.first_byte_at - victim.begun, 3),
            "seconds": round(victim.ended_at - victim.begun, 3) if code == 0 and victim.ended_at else None,
            "cpu": victim.cpu,
            "duration": time.monotonic() - victim.begun,
            "peak": victim.peak,
            "exit": code,
            "complaints": victim.complaints(),
        }
        victim.stop()
        return result | {"honest": seed.stop()}

    def judge_more(self, alone, beside):
        if beside["first"] is None or beside["first"] > (alone["first"] or 0) + 5:
            return [f"first byte after {beside['first']} s"]
        return []


class Limited(Hosted):
    key, title = "D4", "--download-limit 1M with a peer that chokes after each batch"
    size, rate, number, behave, arguments = 8 * MIB, None, 1, give_nothing, ("choke",)
    words = ("--download-limit", "1M")


class LimitedSilent(Limited):
    key, title = "D4b", "--download-limit 1M with 20 silent fake seeds"
    number, arguments = 20, ("silent",)


class PoisoningThenDripping(Hosted):
    key, title = "D5", "16 peers poison pieces, then own the suspects and drip"
    size, rate, number, behave, arguments = 16 * MIB, 1_000_000, 16, poison_and_drip, (2,)
    limit = 60.0


class Unwanted(Attack):
    key, title = "D6", "a lone peer drips a block that is there, --stall-timeout 10"
    strengths = (1, 3)

    def measure(self, lab, attacked):
        torrent = peer.Torrent(4 * MIB, 256 * 1024)
        torrent.write(lab.path("t.torrent"))
        endpoints = lab.attackers(lab.strength)
        lab.spawn_attackers(peer.host, torrent, endpoints, drip_unwanted if attacked else stay_idle)
        words = [part for address, port in endpoints for part in ("--peer", f"{address}:{port}")]
        time.sleep(0.3)
        victim = lab.magnetget(
            lab.path("t.torrent"), "-o", lab.folder("out"), "--stall-timeout", "10", *words
        )
        code = victim.wait(30)
        result = {"exit": code, "first": None, "cpu": victim.cpu, "peak": victim.peak}
        result["duration"] = time.monotonic() - victim.begun
        result["seconds"] = round(result["duration"], 3) if code is not None else None
        victim.stop()
        return result

    def judge_time(self, alone, beside):
        if beside["seconds"] is None or beside["seconds"] > 15:
            return ["still running after 15 s without a wanted byte"]
        return [] if beside["exit"] == 6 else [f"exit {beside['exit']} instead of 6"]


async def stay_idle(wire, counts, number):
    await say_seed(wire)
    await peer.read_on(wire)


ROWS = [Refusing, ChangingMind, ChangingMindOfMany]
ROWS += [FakeSeeds, FakeSeedsFaster, FakeSeedsDribbling, FakeSeedsChoking]
ROWS += [Poisoning, PoisoningHalf, Deadlines, Limited, LimitedSilent, PoisoningThenDripping, Unwanted]
