"""Attacks on who is called: A6, A9, P1, P2, P5 to P8, B1, B2."""

import asyncio
import os
import socket
import time

from . import dht, honest, lab, peer
from .download_rows import Hosted
from .metadata_rows import say_seed
from .scenes import MIB, Download, Metadata

# SYNs at one host in a second, on the average of a run: what a node's UDP is held to.
MOST_SYNS_PER_SECOND = 5.0


async def exchange(wire, counts, number, lists, pause):
    """Names peers in exchange messages (BEP 11), 200 in each."""
    await say_seed(wire)
    task = asyncio.ensure_future(peer.read_on(wire))
    try:
        while b"ut_pex" not in wire.their_extensions:
            await asyncio.sleep(0.05)
        for peers in lists[number % len(lists)]:
            wire.send_extension("ut_pex", {"added": peer.compact(peers), "added.f": b"\x02" * len(peers)})
            counts["named"] += len(peers)
            await wire.drain()
            await asyncio.sleep(pause)
        await task
    finally:
        task.cancel()


async def idle(wire, counts, number, claims_all):
    await peer.open_up(wire)
    wire.hello(len(wire.torrent.metadata))
    wire.send(peer.HAVE_ALL if claims_all else peer.HAVE_NONE)
    await peer.read_on(wire)


async def send_bad_bitfield(wire, counts, number, length):
    await peer.open_up(wire)
    wire.hello()
    wire.send(peer.BITFIELD, b"\xff" * length)
    await peer.read_on(wire)


async def offer_huge_metadata(wire, counts, number):
    await say_seed(wire, 1 << 40)
    await peer.read_on(wire)


async def echo_id(wire, counts, number):
    await peer.open_up(wire, peer_id="echo")
    await peer.read_on(wire)


async def copy_id(wire, counts, number, peer_id):
    """Has the peer id of another, says that it has everything, and gives nothing."""
    await peer.open_up(wire, peer_id)
    wire.hello(len(wire.torrent.metadata))
    wire.send(peer.HAVE_ALL)
    wire.send(peer.UNCHOKE)
    await peer.read_on(wire)


async def accept_only(counts, endpoints):
    """Tarpits: the kernel takes the connections, and no word is ever said."""
    listeners = []
    for endpoint in endpoints:
        listener = socket.create_server(endpoint, backlog=16)
        listeners.append(listener)
    await peer.forever()


async def slow_trackers(counts, endpoints):
    """Trackers that take connections and never answer."""

    async def take(reader, writer):
        counts["announces"] += 1
        counts["requests"] += 1
        await peer.forever()

    for address, port in endpoints:
        await asyncio.start_server(take, address, port)
    await peer.forever()


class Aiming(Hosted):
    """Exchange messages that name one host on thousands of ports; SYNs at it are counted."""

    key, title = "A6", "exchange messages name one victim on 5,000 ports"
    size, rate = 16 * MIB, 1_000_000
    is_quick = True

    def start_attack(self, place, torrent):
        target = self.target(place)
        self.counter = lab.SynCounter(target)
        ports = [(target, 2000 + i) for i in range(5000 * place.strength)]
        lists = [[ports[i : i + 200] for i in range(0, len(ports), 200)]]
        endpoints = place.attackers(1 if place.layout == "one" else 8)
        place.spawn_attackers(peer.host, torrent, endpoints, exchange, lists, 0.2)
        return endpoints

    def target(self, place):
        return place.address(40)

    def look_at(self, place, torrent, victim, found):
        if not hasattr(self, "counter"):
            return {}
        return {"syns": self.counter.count(), **super().look_at(place, torrent, victim, found)}

    def judge_more(self, alone, beside):
        beside["attackers"]["requests"] = beside["syns"]
        rate = beside["syns"] / beside["duration"]
        return [f"{beside['syns']:,} SYNs at one host, {rate:.0f} a second"] if rate > MOST_SYNS_PER_SECOND else []


class AimingByDHT(Aiming):
    key, title = "A6b", "DHT values name one victim on thousands of ports"
    is_quick = False

    def start_attack(self, place, torrent):
        target = self.target(place)
        self.counter = lab.SynCounter(target)
        nodes = dht.endpoints(place, 8)
        self.node = "%s:%d" % nodes[0]
        place.spawn_attackers(dht.serve_values, nodes, target, 5000 * place.strength)
        return []

    def dht_nodes(self, attacked):
        return [self.node] if attacked else []


class BadBitfield(Download):
    key, title = "A9", "a bitfield of 0 bytes from the honest seed's address, public mode"
    network, layouts, calls, delay, size = "public", ("one",), True, 2.0, 8 * MIB
    length = 0

    def start_attack(self, place, torrent):
        endpoints = [(place.address(2), 7000 + i) for i in range(place.strength)]
        place.spawn_attackers(peer.host, torrent, endpoints, send_bad_bitfield, self.length)
        return endpoints


class WrongBitfield(BadBitfield):
    key, title = "A9b", "a bitfield of a wrong length from the honest seed's address, public mode"
    length = 77


class HugeMetadata(Metadata):
    key, title = "A9c", "a huge metadata_size from the honest seed's address, public mode"
    network, layouts, calls, delay = "public", ("one",), True, 2.0

    def start_attack(self, place, torrent):
        endpoints = [(place.address(2), 7000 + i) for i in range(place.strength)]
        place.spawn_attackers(peer.host, torrent, endpoints, offer_huge_metadata)
        return endpoints


class TwoTrackers(Download):
    """One tracker names the attackers, another names the honest seed `delay` seconds later."""

    delay, size = 3.0, 8 * MIB

    def make_torrent(self, place):
        urls = [f"http://{place.address(3)}:{port}/announce" for port in (8080, 8081)]
        return peer.Torrent(self.size, self.piece_length, urls)

    def name(self, place, endpoints):
        honest_one = [self.honest_endpoint(place)]
        others = [endpoint for endpoint in endpoints if endpoint not in honest_one]
        place.spawn(honest.track, place.address(3), 8080, others)
        place.spawn(honest.track, place.address(3), 8081, honest_one, delay=self.delay)
        time.sleep(0.2)
        return []


class IdlePeers(TwoTrackers):
    key, title = "P1", "1,000 named peers shake hands and idle; another tracker names the honest seed"
    limit = 60.0
    claims_all = False
    is_quick = True

    def start_attack(self, place, torrent):
        endpoints = place.attackers(1000 * place.strength)
        place.spawn_attackers(peer.host, torrent, endpoints, idle, self.claims_all)
        return endpoints


class IdleSeeds(IdlePeers):
    key, title = "P1b", "1,000 named peers claim to be seeds and choke; another tracker names the honest seed"
    claims_all = True
    is_quick = False


class DeadEndpoints(Download):
    key, title = "P2", "26 exchange messages of 200 dead endpoints, then the tracker names the seed"
    named, size, limit = "tracker", 8 * MIB, 60.0
    is_quick = True

    def start_attack(self, place, torrent):
        holes = lab.BlackHole(place.network)
        dead = [holes.endpoint(i) for i in range(26 * 200 * place.strength)]
        lists = [[dead[i : i + 200]] for i in range(0, len(dead), 200)]
        if place.layout == "one":
            lists = [[part[0] for part in lists]]
        endpoints = place.attackers(len(lists))
        place.spawn_attackers(peer.host, torrent, endpoints, exchange, lists, 0.1)
        return endpoints

    def name(self, place, endpoints):
        honest_one = [self.honest_endpoint(place)]
        attackers = [endpoint for endpoint in endpoints if endpoint not in honest_one]
        place.spawn(honest.track, place.address(3), 8080, honest_one, delay=6.0)
        time.sleep(0.2)
        return [part for address, port in attackers for part in ("--peer", f"{address}:{port}")]


class IdleCallers(Download):
    key, title = "P5", "120 idle callers on a tracker-only torrent whose seed comes later"
    named, size, limit = "tracker", 4 * MIB, 90.0

    def start_attack(self, place, torrent):
        sources = [place.attacker(i) for i in range(120 * place.strength)]
        place.spawn_attackers(peer.callers, torrent, place.victim, sources, idle, False, pause=0.3, spread=0.002)
        return []

    def name(self, place, endpoints):
        self.tracker = place.spawn(
            honest.track, place.address(3), 8080, [], interval=10, later=(5.0, [self.honest_endpoint(place)])
        )
        time.sleep(0.2)
        return []

    def look_at(self, place, torrent, victim, found):
        return {"tracker": self.tracker.stop()}


class SlowTrackers(Metadata):
    key, title = "P6", "20 HTTP trackers that never answer before the good one in a magnet"
    limit, calls = 60.0, False
    words = ("--list", "--metadata-timeout", "60", "--peers-timeout", "60")

    def measure(self, place, attacked):
        self.slow = place.attackers(20 * place.strength) if attacked else []
        if self.slow:
            place.spawn_attackers(slow_trackers, self.slow)
        return super().measure(place, attacked)

    def make_torrent(self, place):
        slow = [f"http://{address}:{port}/announce" for address, port in self.slow]
        return peer.Torrent(
            self.size, self.piece_length, slow + [f"http://{place.address(3)}:8080/announce"]
        )

    def start_attack(self, place, torrent):
        return []

    def name(self, place, endpoints):
        place.spawn(honest.track, place.address(3), 8080, [self.honest_endpoint(place)])
        time.sleep(0.2)
        return []


class Tarpits(TwoTrackers):
    key, title = "P7", "1,500 tarpits are named; another tracker names the honest seed"
    limit = 60.0

    def start_attack(self, place, torrent):
        endpoints = place.attackers(1500 * place.strength)
        place.spawn_attackers(accept_only, endpoints)
        return endpoints


class ForgedNeighbours(Download):
    key, title = "P8", "local discovery: 300 forged announces a second, an honest neighbour"
    size, limit, layouts = 4 * MIB, 60.0, ("many",)

    def measure(self, place, attacked):
        link = lab.Link()
        torrent = self.make_torrent(place)
        torrent.write(place.path("t.torrent"))
        seed = place.spawn(honest.seed, torrent, link.address(2), 6881, rate=self.rate)
        if attacked:
            place.spawn_attackers(forge, link, torrent, 300 * place.strength)
            time.sleep(1.0)
        victim = place.magnetget(
            place.path("t.torrent"), "-o", place.folder("out"), bind=link.address(1), lsd=True, network="private"
        )
        place.spawn(announce_neighbour, link, torrent, 6881)
        found = victim.wait_for("completed", self.limit)
        duration = time.monotonic() - victim.begun
        result = self.result(victim, found, duration, victim.wait(2) if found else None)
        victim.stop()
        return result | {"honest": seed.stop()}


def local_announce(info_hash, port, cookie):
    lines = ["BT-SEARCH * HTTP/1.1", "Host: 239.192.152.143:6771", f"Port: {port}", f"Infohash: {info_hash.hex()}"]
    return "\r\n".join([*lines, f"cookie: {cookie}", "", "", ""]).encode()


async def announce_neighbour(counts, link, torrent, port):
    sender = link.multicast_socket(link.address(2))
    for turn in range(100):
        await asyncio.sleep(2.0)
        sender.sendto(local_announce(torrent.info_hash, port, "honest"), ("239.192.152.143", 6771))


async def forge(counts, link, torrent, rate):
    """Announces from many addresses of the link: of our torrent with dead ports, and of others."""
    senders = [link.multicast_socket(link.address(10 + i)) for i in range(400)]
    turn = 0
    while True:
        await asyncio.sleep(0.02)
        for _ in range(rate // 50):
            turn += 1
            info_hash = torrent.info_hash if turn % 2 else os.urandom(20)
            packet = local_announce(info_hash, 1025 + turn % 60000, f"{turn}")
            senders[turn % len(senders)].sendto(packet, ("239.192.152.143", 6771))
            counts["requests"] += 1


class OwnEndpoint(TwoTrackers):
    key, title = "B1", "a tracker names our own endpoint; the honest seed is behind the same address, public"
    network, layouts, strengths, limit = "public", ("one",), (1,), 40.0

    def honest_endpoint(self, place):
        return place.address(1), 7070

    def start_attack(self, place, torrent):
        return [place.victim]


class EchoedID(OwnEndpoint):
    key, title = "B1b", "a peer echoes our peer id; the honest seed is behind the same address, public"
    strengths = (1, 3)

    def honest_endpoint(self, place):
        return place.address(2), 6881

    def start_attack(self, place, torrent):
        endpoints = [(place.address(2), 7000 + i) for i in range(place.strength)]
        place.spawn_attackers(peer.host, torrent, endpoints, echo_id)
        return endpoints


class CopiedID(EchoedID):
    key, title = "B2", "a neighbour on the seed's address copies its peer id and gives nothing, public"
    peer_id = b"-HS0001-abcdefghijkl"

    def start_honest(self, place, torrent):
        return place.spawn(
            honest.seed, torrent, *self.honest_endpoint(place), rate=self.rate, peer_id=self.peer_id
        )

    def start_attack(self, place, torrent):
        endpoints = [(place.address(2), 7000 + i) for i in range(place.strength)]
        place.spawn_attackers(peer.host, torrent, endpoints, copy_id, self.peer_id)
        return endpoints


class CopiedIDPrivate(CopiedID):
    key, title, network = "B2b", "the same in private mode", "private"


ROWS = [Aiming, AimingByDHT, BadBitfield, WrongBitfield, HugeMetadata, IdlePeers, IdleSeeds, DeadEndpoints]
ROWS += [IdleCallers, SlowTrackers, Tarpits, ForgedNeighbours]
ROWS += [OwnEndpoint, EchoedID, CopiedID, CopiedIDPrivate]
