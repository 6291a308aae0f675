"""Attacks on the DHT: N1 to N5."""

import asyncio
import hashlib
import os
import socket
import struct
import time

from . import dht, honest, lab, peer
from .metadata_rows import say_seed
from .scenes import MIB, Attack, Fetch, Serve
from .serve_rows import want_and_idle

HONEST_PEERS = 20
LEAST_SHARE = 0.8


class Client(dht.Node):
    """A node that asks one other, and waits for the answer."""

    def __init__(self, endpoint, counts):
        super().__init__(endpoint, dht.id_for(endpoint[0]), [], counts)
        self.waiting = {}

    def answered(self, body, source):
        future = self.waiting.pop(body[b"t"], None)
        if future and not future.done():
            future.set_result(body[b"r"])

    async def ask(self, name, arguments, target, limit=0.5):
        transaction = os.urandom(4)
        future = self.waiting[transaction] = asyncio.get_running_loop().create_future()
        self.send({"t": transaction, "y": "q", "q": name, "a": {"id": self.id, **arguments}}, target)
        try:
            return await asyncio.wait_for(future, limit)
        except asyncio.TimeoutError:
            self.waiting.pop(transaction, None)
            return None

    async def announce(self, info_hash, port, target):
        found = await self.ask("get_peers", {"info_hash": info_hash}, target)
        if not found or b"token" not in found:
            return False
        arguments = {"info_hash": info_hash, "port": port, "token": found[b"token"], "implied_port": 0}
        self.counts["requests"] += 1
        return await self.ask("announce_peer", arguments, target) is not None


async def announce_all(counts, info_hash, target, sources, ports, pause):
    """Each source announces each of its ports; not faster than a node takes packets."""
    clients = [await Client((address, 6881), counts).open() for address in sources]

    async def announce(client, turn):
        await asyncio.sleep(pause * turn / len(sources))
        for number in range(ports):
            for _ in range(4):
                await asyncio.sleep(pause)
                if await client.announce(info_hash, 10_000 + number, target):
                    counts["accepted"] += 1
                    break

    await asyncio.gather(*(announce(client, turn) for turn, client in enumerate(clients)))


async def look_up(counts, info_hash, target, sources):
    """What get_peers from many addresses returns together."""
    found = set()
    for address in sources:
        client = await Client((address, 6881), counts).open()
        answer = await client.ask("get_peers", {"info_hash": info_hash}, target, limit=1.0)
        if answer:
            counts["answers"] += 1
            found.update(answer.get(b"values", []))
    return {"found": sorted(value.hex() for value in found)}


class OneNetwork(Attack):
    """A node that holds 20 honest peers of an infohash, and one network that announces 2,500 fakes of it."""

    key, title = "N1", "one /24 announces 2,500 fakes for an infohash that 20 networks hold, public"
    network, layouts = "public", ("one",)

    def addresses(self, place):
        honest_ones = [f"{lab.PUBLIC[1 + i % 15]}.{200 + i // 15}.1.1" for i in range(HONEST_PEERS)]
        fakes = [f"45.66.66.{1 + i}" for i in range(250)]
        askers = [f"{lab.PUBLIC[1 + i % 15]}.{220 + i // 15}.1.1" for i in range(10)]
        return place.address(1), place.address(5), honest_ones, fakes, askers

    def measure(self, place, attacked):
        own, other, honest_ones, fakes, askers = self.addresses(place)
        info_hash = hashlib.sha1(b"N1").digest()
        place.spawn(dht.serve_network, [(other, 6881)], {})
        time.sleep(0.2)
        victim = place.dhtnode(
            *("run", "--bind", own, "--port", 6881),
            *("--no-state", "--network", "public", "--bootstrap", joined(other)),
        )
        time.sleep(1.0)
        target = (own, 6881)
        kept = place.spawn(announce_all, info_hash, target, honest_ones, 1, 0.05).wait(20) or {}
        begun = time.monotonic()
        if attacked:
            ports = 10 * place.strength
            child = place.spawn_attackers(announce_all, info_hash, target, fakes, ports, 1.5 if place.strength == 1 else 1.0)
            child.wait(55) or child.stop()
        else:
            time.sleep(2)
        answer = place.spawn(look_up, info_hash, target, askers).wait(20) or {}
        wanted = {dht.packed(address).hex() for address in honest_ones}
        found = {value[:-4] for value in answer.get("found", [])} & wanted
        victim.sample()
        result = {"seconds": None, "first": None, "cpu": victim.cpu, "duration": time.monotonic() - begun}
        result |= {"peak": victim.peak, "exit": victim.process.poll(), "honest_kept": len(found)}
        result |= {"honest_accepted": kept.get("accepted", 0), "answers": answer.get("answers", 0)}
        victim.stop()
        return result

    def judge_time(self, alone, beside):
        wanted = alone["honest_kept"]
        if not wanted:
            return ["no honest peer is held, without any attack"]
        if beside["honest_kept"] < LEAST_SHARE * wanted:
            return [f"{beside['honest_kept']} of {wanted} honest peers left"]
        return []


class OneNetworkV6(OneNetwork):
    key, title = "N1b", "one /64 announces 2,500 fakes for an infohash that 20 networks hold, public"

    def addresses(self, place):
        base = lab.PUBLIC_V6
        honest_ones = [f"{base}:{100 + i:x}::1" for i in range(HONEST_PEERS)]
        fakes = [f"{base}:6666:1::{i + 1:x}" for i in range(250)]
        askers = [f"{base}:{200 + i:x}::1" for i in range(10)]
        return f"{base}:1::1", f"{base}:5::1", honest_ones, fakes, askers


def joined(address, port=6881):
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


class Sybils(Fetch):
    """A cold client in a network of 100 nodes with ids that go with their addresses."""

    key, title = "N2", "16 sybils with invalid ids near the infohash, in 8 /8s; cold start, 100 nodes, public"
    network, layouts, limit = "public", ("many",), 40.0
    is_quick = True

    def measure(self, place, attacked):
        torrent = peer.Torrent(2 * MIB, 16 * 1024, seed=place.strength)
        seed_endpoint = (place.address(2), 6881)
        place.spawn(honest.seed, torrent, *seed_endpoint)
        nodes = [(f"{lab.PUBLIC[1 + i % 15]}.{100 + i // 15}.{1 + i}.1", 6881) for i in range(100)]
        sybils = [(f"{lab.PUBLIC[1 + i % 8]}.{240 + i // 8}.{1 + i}.1", 6881) for i in range(16 * place.strength)]
        place.spawn(dht.serve_network, nodes, {torrent.info_hash: [seed_endpoint]}, sybils if attacked else [])
        if attacked:
            place.spawn_attackers(dht.serve_sybils, torrent.info_hash, sybils)
        time.sleep(0.8)
        victim = place.magnetget(
            torrent.magnet, "--list", "--metadata-timeout", "60", "--peers-timeout", "60", dht=map(at, nodes[:2])
        )
        found = victim.wait_for("metadata", self.limit)
        victim.sample()
        result = {"seconds": found and round(found[0] - victim.begun, 3), "first": None, "cpu": victim.cpu}
        result |= {"duration": time.monotonic() - victim.begun, "peak": victim.peak, "exit": victim.wait(0.5)}
        result["complaints"] = victim.complaints()
        victim.stop()
        return result


def at(endpoint):
    return joined(*endpoint)


async def send_ports(wire, counts, number, rate):
    await peer.open_up(wire)
    wire.hello()
    wire.send(peer.HAVE_NONE)
    task = asyncio.ensure_future(peer.read_on(wire))
    port = 1024
    try:
        while not task.done():
            await asyncio.sleep(0.05)
            for _ in range(max(1, rate // 20)):
                port = 1024 + (port + 7) % 60000
                wire.send(peer.PORT, struct.pack(">H", port))
                counts["requests"] += 1
            await wire.drain()
    finally:
        task.cancel()


async def tell_ports(counts, torrent, target, sources):
    """Honest peers, one after the other: each has a DHT node of its own and says so once."""
    heard = set()

    class Listener(dht.Node):
        def asked(self, body, source):
            heard.add(self.endpoint[0])
            super().asked(body, source)

    async def act(wire, address):
        await peer.open_up(wire)
        wire.hello()
        wire.send(peer.HAVE_NONE)
        wire.send(peer.PORT, struct.pack(">H", 6881))
        await peer.read_on(wire)

    tasks = []
    for address in sources:
        await Listener((address, 6881), dht.id_for(address), [], counts).open()

        async def behave(wire, address=address):
            await act(wire, address)

        tasks.append(asyncio.ensure_future(peer.call(torrent, target, address, behave, counts, pause=2.0)))
        await asyncio.sleep(0.4)
    await asyncio.sleep(10)
    return {"heard": len(heard)}


class Ports(Serve):
    key, title = "N3", "PORT messages, 200 a second from one peer; 20 honest nodes"
    settle = 3.0

    def measure(self, place, attacked):
        nodes = dht.endpoints(place, 3, first=180)
        place.spawn(dht.serve_network, nodes, {})
        self.dht = [at(node) for node in nodes]
        time.sleep(0.2)
        return super().measure(place, attacked)

    def start_attack(self, place, torrent):
        sources = [place.attacker(i) for i in range(place.strength)]
        place.spawn_attackers(peer.callers, torrent, place.victim, sources, send_ports, 200)

    def visit(self, place, torrent):
        sources = [place.address(201 + i) for i in range(HONEST_PEERS)]
        child = place.spawn(tell_ports, torrent, place.victim, sources)
        got = child.wait(40) or child.stop()
        return {"seconds": None, "first": None, "refused": got.get("refused", 0), "honest": got}

    def judge_time(self, alone, beside):
        wanted, heard = alone["honest"].get("heard", 0), beside["honest"].get("heard", 0)
        if not wanted:
            return ["no honest node is asked, without any attack"]
        return [f"{heard} of {wanted} honest nodes asked"] if heard < LEAST_SHARE * wanted else []


class LyingAboutUs(Attack):
    key, title = "N4", "40% of 50 nodes lie about our address, 60 s, public"
    network, layouts, strengths = "public", ("many",), (1,)

    def measure(self, place, attacked):
        nodes = [(f"{lab.PUBLIC[1 + i % 15]}.{100 + i // 15}.{1 + i}.1", 6881) for i in range(50)]
        liars = nodes[:20] if attacked else []
        child = place.spawn(dht.serve_network, nodes, {}, [], liars)
        time.sleep(0.8)
        victim = place.magnetget(
            "magnet:?xt=urn:btih:" + "5a" * 20, "--list", "--peers-timeout", "120", dht=map(at, nodes[-8:])
        )
        victim.wait(60)
        victim.sample()
        counts = child.stop()
        result = {"seconds": None, "first": None, "cpu": victim.cpu, "duration": 60.0, "peak": victim.peak}
        result |= {"exit": victim.process.poll(), "ids": counts.get("ids", 0)}
        victim.stop()
        return result

    def judge_time(self, alone, beside):
        limit = max(2, alone["ids"] + 1)
        return [f"{beside['ids']} ids in a minute instead of {alone['ids']}"] if beside["ids"] > limit else []


class IdleV6(Serve):
    key, title = "N5", "150 interested idlers of one /64, IPv6"
    network, layouts = "public", ("one",)

    def measure(self, place, attacked):
        place.address = lambda number: f"{lab.PUBLIC_V6}:{number:x}::1"
        return super().measure(place, attacked)

    def start_attack(self, place, torrent):
        sources = [f"{lab.PUBLIC_V6}:6666:1::{i + 1:x}" for i in range(150 * place.strength)]
        place.spawn_attackers(peer.callers, torrent, place.victim, sources, want_and_idle, "idle", spread=0.005)


SPECIAL = ["2002:7f00:1::1", "2002:a00:1::1", "2002:a9fe:a9fe::1", "3fff::1", "2001:0:7f00:1::1", "2001:10::1"]
SPECIAL += ["2001:20::1", "2001:db8::1", "64:ff9b::7f00:1", "100::1", "5f00::1", "::ffff:127.0.0.1", "2001:2::1"]


class SpecialV6(Fetch):
    key, title = "N5b", "special addresses of IPv6 by exchange, public"
    network, layouts, strengths, limit = "public", ("one",), (1,), 30.0

    def measure(self, place, attacked):
        place.address = lambda number: f"{lab.PUBLIC_V6}:{number:x}::1"
        for address in SPECIAL:
            lab.run("ip", "-6", "route", "add", "local", f"{address}/128", "dev", "lo")
        counters = {address: lab.SynCounter(address) for address in SPECIAL if "ffff" not in address}
        torrent = peer.Torrent(8 * MIB, 256 * 1024)
        torrent.write(place.path("t.torrent"))
        place.spawn(honest.seed, torrent, place.address(2), 6881, rate=1_000_000)
        words = ["--peer", joined(place.address(2))]
        if attacked:
            named = [(address, 7000 + i) for address in SPECIAL for i in range(3)]
            place.spawn_attackers(peer.host, torrent, [(place.address(66), 7000)], exchange_v6, named)
            words += ["--peer", joined(place.address(66), 7000)]
        time.sleep(0.3)
        victim = place.magnetget(place.path("t.torrent"), "-o", place.folder("out"), *words)
        found = victim.wait_for("completed", self.limit)
        victim.sample()
        result = {"seconds": found and round(found[0] - victim.begun, 3), "first": None, "cpu": victim.cpu}
        result |= {"duration": time.monotonic() - victim.begun, "peak": victim.peak, "exit": victim.wait(1)}
        result["syns"] = {address: counter.count() for address, counter in counters.items()}
        result["complaints"] = victim.complaints()
        victim.stop()
        return result

    def judge_more(self, alone, beside):
        called = [address for address, count in beside["syns"].items() if count]
        return [f"called {', '.join(called)}"] if called else []


async def exchange_v6(wire, counts, number, named):
    await say_seed(wire)
    while b"ut_pex" not in wire.their_extensions:
        await wire.batch()
    packed = b"".join(socket.inet_pton(socket.AF_INET6, address) + struct.pack(">H", port) for address, port in named)
    wire.send_extension("ut_pex", {"added6": packed, "added6.f": bytes(len(named))})
    counts["named"] += len(named)
    await peer.read_on(wire)


class LyingFilters(Attack):
    key, title = "N5c", "scrape with 2 of 20 liars whose filters are full, public"
    network, layouts = "public", ("many",)

    def measure(self, place, attacked):
        nodes = [(f"{lab.PUBLIC[1 + i % 15]}.{100 + i // 15}.{1 + i}.1", 6881) for i in range(20)]
        liars = nodes[:: 10 // place.strength][: 2 * place.strength] if attacked else []
        place.spawn(dht.serve_filters, nodes, [place.address(30 + i) for i in range(2)], liars)
        time.sleep(0.5)
        words = [part for node in nodes[-3:] for part in ("--bootstrap", at(node))]
        begun = time.monotonic()
        victim = place.dhtnode(
            "scrape", "5b" * 20, "--bind", place.address(1), "--network", "public", "--no-state", "--json", *words
        )
        code = victim.wait(30)
        time.sleep(0.1)
        said = next((event for _, event in victim.events if "peers" in event or "leechers" in event), {})
        result = {"seconds": None, "first": None, "cpu": victim.cpu, "duration": time.monotonic() - begun}
        return result | {"peak": victim.peak, "exit": code, "said": said, "complaints": victim.complaints()}

    def judge_time(self, alone, beside):
        def number(said):
            return max([value for key, value in said.items() if key in ("peers", "leechers", "seeds")] or [0])

        few, many = number(alone["said"]), number(beside["said"])
        return [f"{many} peers instead of {few}"] if many > max(3 * few, 10) or alone["exit"] != 0 else []


class WrongIDs(Attack):
    key, title = "N5d", "endpoints are named under wrong ids; the first lookup, public"
    network, layouts, strengths = "public", ("many",), (1,)

    def measure(self, place, attacked):
        nodes = [(f"{lab.PUBLIC[1 + i % 15]}.{100 + i // 15}.{1 + i}.1", 6881) for i in range(20)]
        info_hash = dht.infohash("wrong ids")
        value = (place.address(2), 6999)
        place.spawn(dht.serve_network, nodes, {info_hash: [value]}, everywhere=True)
        first = [(f"77.66.{1 + i}.1", 6881) for i in range(3)]
        if attacked:
            place.spawn_attackers(dht.serve_wrong_ids, first, nodes, info_hash)
        time.sleep(0.5)
        begun = time.monotonic()
        words = [part for node in (first if attacked else nodes[:3]) for part in ("--bootstrap", at(node))]
        victim = place.dhtnode(
            "peers", info_hash.hex(), "--bind", place.address(1), "--network", "public", "--no-state", "--json", *words
        )
        code = victim.wait(30)
        time.sleep(0.1)
        took = time.monotonic() - begun
        is_found = any(f"{value[0]}:6999" in str(event) for _, event in victim.events)
        result = {"seconds": round(took, 2) if is_found else None, "first": None, "cpu": victim.cpu, "duration": took}
        return result | {"peak": victim.peak, "exit": code, "complaints": victim.complaints()}

    def judge_time(self, alone, beside):
        if alone["seconds"] is None:
            return [f"never, without any attack: {alone['complaints']}"]
        return [] if beside["seconds"] else ["not found"]


ROWS = [OneNetwork, OneNetworkV6, Sybils, Ports, LyingAboutUs, IdleV6, SpecialV6, LyingFilters, WrongIDs]
