"""Attacks on the metadata of a magnet: A1, A7, P3, P4."""

import asyncio

from . import honest, peer
from .peer import EXTENDED, METADATA
from .scenes import Metadata

CLAIMED = 32 << 20


async def say_seed(wire, size=None, **more):
    await peer.open_up(wire)
    wire.hello(size or len(wire.torrent.metadata), **more)
    wire.send(peer.HAVE_ALL)


def metadata_requests(messages):
    """The pieces that are asked for."""
    for kind, payload in messages:
        if kind == EXTENDED and payload[:1] == bytes([METADATA]):
            asked = peer.bdecode(payload[1:])[0]
            if asked.get(b"msg_type") == 0:
                yield asked[b"piece"]


async def stay_silent(wire, counts, number):
    await say_seed(wire)
    while True:
        counts["requests"] += len(list(metadata_requests(await wire.batch())))


async def reject_on(wire, counts, number, rate):
    """Claims much, and rejects again and again what it was asked for, `rate` times a second."""
    await say_seed(wire, CLAIMED)
    asked = []

    async def reject():
        turn = 0
        while True:
            await asyncio.sleep(0.02)
            for _ in range(rate // 50):
                turn += 1
                piece = asked[turn % len(asked)] if asked else turn % 2048
                wire.send_extension("ut_metadata", {"msg_type": 2, "piece": piece})
            del asked[:-256]
            counts["rejects"] += rate // 50
            await wire.drain()

    task = asyncio.ensure_future(reject())
    try:
        while True:
            new = list(metadata_requests(await wire.batch()))
            asked += new
            counts["requests"] += len(new)
    finally:
        task.cancel()


async def change_size(wire, counts, number):
    await say_seed(wire, 16384 * (number + 3))

    async def change():
        size = 16384 * (number + 3)
        while True:
            await asyncio.sleep(0.05)
            size = (size + 16384 * 41) % (8 << 20) + 20000
            wire.hello(size)
            counts["sizes"] += 1
            await wire.drain()

    task = asyncio.ensure_future(change())
    try:
        while True:
            counts["requests"] += len(list(metadata_requests(await wire.batch())))
    finally:
        task.cancel()


async def spoil_and_drip(wire, counts, number, pause):
    """Answers at first, with a wrong byte, so that the first assembly fails; later as slowly as it is let."""
    await say_seed(wire)
    metadata = bytes([wire.torrent.metadata[0] ^ 1]) + wire.torrent.metadata[1:]
    answered = 0
    while True:
        for piece in metadata_requests(await wire.batch()):
            counts["requests"] += 1
            if answered >= 1:
                await asyncio.sleep(pause)
            answered += 1
            honest.give_metadata(wire, metadata, piece)
            await wire.drain()


class Silent(Metadata):
    key, title = "A1", "3 silent peers offer metadata, 3 honest ones come a second later"
    is_quick = True

    def start_attack(self, lab, torrent):
        endpoints = lab.attackers(3 * lab.strength)
        lab.spawn_attackers(peer.host, torrent, endpoints, stay_silent)
        return endpoints


class ManySilent(Silent):
    key, title = "A1b", "60 silent peers offer metadata, one honest seed comes a second later"

    def start_attack(self, lab, torrent):
        endpoints = lab.attackers(60 * lab.strength)
        lab.spawn_attackers(peer.host, torrent, endpoints, stay_silent)
        return endpoints


class Rejecting(Metadata):
    key, title = "A7", "8 peers claim 32 MiB of metadata and reject 1,000 times a second each"
    delay = 4.0

    def start_attack(self, lab, torrent):
        endpoints = lab.attackers(8 * lab.strength)
        lab.spawn_attackers(peer.host, torrent, endpoints, reject_on, 1000)
        return endpoints


class ChangingSize(Metadata):
    key, title = "P3", "40 peers keep changing metadata_size"

    def start_attack(self, lab, torrent):
        endpoints = lab.attackers(40 * lab.strength)
        lab.spawn_attackers(peer.host, torrent, endpoints, change_size)
        return endpoints


class Spoiling(Metadata):
    key, title = "P4", "20 liars of the right size spoil the metadata, then drip"

    def start_attack(self, lab, torrent):
        endpoints = lab.attackers(20 * lab.strength)
        lab.spawn_attackers(peer.host, torrent, endpoints, spoil_and_drip, 2.5)
        return endpoints


ROWS = [Silent, ManySilent, Rejecting, ChangingSize, Spoiling]
