"""Scripted DHT nodes in asyncio: an honest network in one process, and nodes that lie."""

import asyncio
import hashlib
import os
import random
import socket
import struct

from . import peer
from .peer import bdecode, bencode

K = 8


def crc32c(data):
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF


def packed(address):
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)


def id_for(address, generator=random):
    """An id that goes with an address (BEP 42)."""
    rand = generator.randrange(256)
    data = packed(address)
    mask = bytes([0x03, 0x0F, 0x3F, 0xFF]) if len(data) == 4 else bytes([1, 3, 7, 15, 31, 63, 127, 255])
    masked = bytearray(part & bits for part, bits in zip(data, mask))
    masked[0] |= (rand & 7) << 5
    crc = struct.pack(">I", crc32c(bytes(masked)))
    head = bytes([crc[0], crc[1], crc[2] & 0xF8 | generator.randrange(8)])
    return head + generator.randbytes(16) + bytes([rand])


def endpoints(place, count, first=100):
    """Addresses of DHT nodes, each in a network of its own."""
    return [(place.attacker(first + i, "many"), 6881) for i in range(count)]


def compact_nodes(nodes):
    """`nodes`: (id, (address, port))."""
    return b"".join(node_id + packed(address) + struct.pack(">H", port) for node_id, (address, port) in nodes)


def distance(one, other):
    return int.from_bytes(one, "big") ^ int.from_bytes(other, "big")


class Node(asyncio.DatagramProtocol):
    """Answers as an honest node does that knows the whole network; subclasses lie."""

    def __init__(self, endpoint, node_id, network, counts):
        self.endpoint, self.id, self.network, self.counts = endpoint, node_id, network, counts
        self.stored = {}

    async def open(self):
        loop = asyncio.get_running_loop()
        family = socket.AF_INET6 if ":" in self.endpoint[0] else socket.AF_INET
        self.transport, _ = await loop.create_datagram_endpoint(lambda: self, self.endpoint, family=family)
        return self

    def datagram_received(self, data, source):
        try:
            body = bdecode(data)[0]
            if body.get(b"y") == b"q":
                self.asked(body, source)
            elif body.get(b"y") == b"r":
                self.answered(body, source)
        except (ValueError, KeyError, IndexError, TypeError, AttributeError):
            self.counts["unreadable"] += 1

    def asked(self, body, source):
        self.counts["queries"] += 1
        name, arguments = body[b"q"], body[b"a"]
        reply = {"id": self.id}
        if name in (b"find_node", b"get_peers"):
            target = arguments.get(b"target") or arguments.get(b"info_hash")
            self.fill(reply, name, target, source)
        elif name == b"announce_peer":
            port = source[1] if arguments.get(b"implied_port") else arguments[b"port"]
            self.stored.setdefault(arguments[b"info_hash"], {})[source[0]] = port
            self.counts["announces"] += 1
        self.reply(body[b"t"], reply, source)

    def fill(self, reply, name, target, source):
        key = "nodes6" if ":" in source[0] else "nodes"
        reply[key] = compact_nodes(self.closest(target))
        if name == b"get_peers":
            reply["token"] = b"token"
            self.counts["get_peers"] += 1
            held = self.stored.get(target)
            if held:
                reply["values"] = [packed(address) + struct.pack(">H", port) for address, port in held.items()]

    def closest(self, target):
        return sorted(self.network, key=lambda node: distance(node[0], target))[:K]

    def reply(self, transaction, reply, source, **more):
        ip = packed(source[0]) + struct.pack(">H", source[1])
        self.send({"t": transaction, "y": "r", "r": reply, "ip": more.get("ip", ip)}, source)

    def answered(self, body, source):
        pass

    def query(self, name, arguments, target):
        self.send({"t": os.urandom(2), "y": "q", "q": name, "a": {"id": self.id, **arguments}}, target)

    def send(self, body, target):
        self.transport.sendto(bencode(body), target)


class ValuesNode(Node):
    """Answers each get_peers with a hundred endpoints of one host, others each time."""

    def __init__(self, *arguments, target, count):
        super().__init__(*arguments)
        self.target, self.left, self.next = target, count, 0

    def fill(self, reply, name, target, source):
        super().fill(reply, name, target, source)
        if name == b"get_peers":
            ports = [2000 + (self.next + i) % self.left for i in range(100)]
            self.next += 100
            reply["values"] = [packed(self.target) + struct.pack(">H", port) for port in ports]
            self.counts["named"] += 100


async def serve_values(counts, nodes, target, count):
    network = [(id_for(address), (address, port)) for address, port in nodes]
    for node_id, endpoint in network:
        await ValuesNode(endpoint, node_id, network, counts, target=target, count=count).open()
    await peer.forever()


def infohash(text):
    return hashlib.sha1(text.encode()).digest()


class LyingNode(Node):
    """Tells everybody another address than theirs, with all its kind, a new one every ten seconds."""

    def reply(self, transaction, reply, source, **more):
        turn = int(asyncio.get_running_loop().time() / 10) % 200
        super().reply(transaction, reply, source, ip=packed(f"151.{turn}.7.7") + struct.pack(">H", source[1]))


def partial_view(network, own_id, generator, sybils):
    """What a node of a network knows: its neighbours, others at random, each sybil with a chance of 0.6."""
    near = sorted(network, key=lambda node: distance(node[0], own_id))[: 2 * K]
    far = generator.sample(network, min(len(network), 40))
    return list(dict(near + far).items()) + [sybil for sybil in sybils if generator.random() < 0.6]


async def serve_network(counts, nodes, values, sybils=(), liars=(), everywhere=False):
    """An honest network; `values`: what the eight nodes nearest to each infohash hold, or all of them."""
    generator = random.Random(1)
    network = [(id_for(address, generator), (address, port)) for address, port in nodes]
    wanted = next(iter(values), bytes(20))
    named = [(sybil_id(wanted, number), endpoint) for number, endpoint in enumerate(sybils)]
    ids = set()

    class Noting(Node):
        def asked(self, body, source):
            ids.add(body[b"a"][b"id"])
            super().asked(body, source)

    class NotingLiar(LyingNode, Noting):
        pass

    for node_id, endpoint in network:
        kind = NotingLiar if endpoint in liars else Noting
        node = kind(endpoint, node_id, partial_view(network, node_id, generator, named), counts)
        await node.open()
        for info_hash, peers in values.items():
            nearest = sorted(network, key=lambda other: distance(other[0], info_hash))[:K]
            if everywhere or (node_id, endpoint) in nearest:
                node.stored[info_hash] = dict(peers)
    while True:
        await asyncio.sleep(0.2)
        counts["ids"] = len(ids)


def sybil_id(info_hash, number):
    """Nearer to the infohash than any honest node, and not one that goes with an address."""
    return info_hash[:6] + hashlib.sha1(f"sybil {number}".encode()).digest()[:14]


async def serve_sybils(counts, info_hash, sybils):
    network = [(sybil_id(info_hash, number), endpoint) for number, endpoint in enumerate(sybils)]
    for node_id, endpoint in network:
        await Node(endpoint, node_id, network, counts).open()
    await peer.forever()


async def serve_wrong_ids(counts, own, nodes, info_hash):
    """Names honest endpoints under ids that are not theirs."""
    network = [(sybil_id(info_hash, number), endpoint) for number, endpoint in enumerate(nodes)]
    for address, port in own:
        await Node((address, port), id_for(address), network, counts).open()
    await peer.forever()


def bloom(addresses):
    """A filter of BEP 33."""
    bits = bytearray(256)
    for address in addresses:
        digest = hashlib.sha1(packed(address)).digest()
        for index in (digest[0] | digest[1] << 8, digest[2] | digest[3] << 8):
            index %= 2048
            bits[index // 8] |= 1 << index % 8
    return bytes(bits)


class FilterNode(Node):
    """Knows how many peers there are; a liar's filters are nearly full."""

    def fill(self, reply, name, target, source):
        super().fill(reply, name, target, source)
        if name == b"get_peers":
            # All but one bit in 40 are set: thousands of peers.
            lie = bytes(0xFF if index % 5 else 0xFE for index in range(256))
            reply["BFpe"] = lie if self.lies else bloom(self.peers)
            reply["BFsd"] = lie if self.lies else bloom([])


async def serve_filters(counts, nodes, peers, liars):
    generator = random.Random(2)
    network = [(id_for(address, generator), (address, port)) for address, port in nodes]
    for node_id, endpoint in network:
        node = FilterNode(endpoint, node_id, network, counts)
        node.peers, node.lies = peers, endpoint in liars
        await node.open()
    await peer.forever()


async def serve_dead_values(counts, nodes, info_hash, seed, dead):
    """Every node but the last names a hundred dead endpoints of its own; the last, or all, name the honest seed."""
    network = [(id_for(address), (address, port)) for address, port in nodes]
    for number, (node_id, endpoint) in enumerate(network):
        node = await Node(endpoint, node_id, network, counts).open()
        share = dead[number :: len(network) - 1] if number < len(network) - 1 else []
        node.stored[info_hash] = dict(share) if share else {seed: 6881}
    await peer.forever()
