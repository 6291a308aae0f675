#!/usr/bin/env python3
"""Peers that mean harm, each on an address of its own, which announce themselves in the DHT as others do.

    corrupt       has everything, metadata too, and changes a byte in half of the blocks that it gives
    wrong-size    says that the metadata is longer than it is, and gives so many random bytes
    wrong-bytes   says the right length, and gives the metadata with one byte changed
    silent        takes connections, and never says a word
    trickle       says all that a seeder says first, and then gives metadata and blocks at one byte a second

Prints {"event": "ready", "peers": {kind: endpoint}}. Commands on stdin:

    status      {"event": "status", "peers": {kind: {"connections", "blocks", "bad_blocks", "lies", "last_lie"}}}: lies
                are metadata given whole, `last_lie` is when (time.monotonic)
    stop        also SIGTERM, SIGINT and the end of stdin
"""

import argparse
import os
import random
import socket
import struct
import threading
import time

import libtorrent as lt

import rig

KINDS = ["corrupt", "wrong-size", "wrong-bytes", "silent", "trickle"]
PROTOCOL = b"\x13BitTorrent protocol"
# BEP 10.
EXTENSIONS = bytes([0, 0, 0, 0, 0, 0x10, 0, 0])
CHOKE_FOREVER = {"wrong-size", "wrong-bytes"}
METADATA_ID = 2
METADATA_PIECE = 16 * 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--torrent", required=True)
    parser.add_argument("--file", required=True, help="the payload, a single file")
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--prefix", default=rig.loopback_prefix(), help="three octets; they take .101 and so on")
    parser.add_argument("--bootstrap", action="append", default=[], help="HOST:PORT of a DHT node; repeatable")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    commands = rig.Commands()
    peers = {
        kind: HostilePeer(kind, f"{options.prefix}.{101 + KINDS.index(kind)}", options)
        for kind in options.kinds.split(",")
    }
    rig.emit("ready", peers={kind: peer.endpoint for kind, peer in peers.items()})
    announced_at = 0.0
    while (words := commands.next(timeout=0.1)) != ["stop"]:
        if time.monotonic() - announced_at > 0.5:
            announced_at = time.monotonic()
            for peer in peers.values():
                peer.announce()
        if words == ["status"]:
            rig.emit("status", peers={kind: peer.counts for kind, peer in peers.items()})
    os._exit(0)


class HostilePeer:
    def __init__(self, kind, address, options):
        self.kind = kind
        self.random = random.Random(f"{options.seed} {kind}")
        info = lt.torrent_info(options.torrent)
        self.info_hash, self.piece_count = info.info_hash(), info.num_pieces()
        self.piece_length = info.piece_length()
        self.metadata = self.lie_about(info.info_section())
        self.file = open(options.file, "rb")
        self.counts = {"connections": 0, "blocks": 0, "bad_blocks": 0, "lies": 0, "last_lie": None}
        self.listener = socket.create_server((rig.require_loopback(address), 0))
        self.endpoint = f"{address}:{self.listener.getsockname()[1]}"
        # Its DHT node is libtorrent's; its peer is not.
        self.session = rig.Session(address, rig.NO_UTP, options.bootstrap)
        threading.Thread(target=self.accept, daemon=True).start()

    def lie_about(self, metadata):
        if self.kind == "wrong-size":
            return self.random.randbytes(len(metadata) + self.random.randint(1, 20_000))
        if self.kind == "wrong-bytes":
            place = self.random.randrange(len(metadata))
            return metadata[:place] + bytes([metadata[place] ^ 1]) + metadata[place + 1 :]
        return metadata

    def announce(self):
        self.session.lt.dht_announce(self.info_hash, rig.parse_endpoint(self.endpoint)[1], 0)
        self.session.lt.pop_alerts()

    def accept(self):
        while True:
            connection, _ = self.listener.accept()
            self.counts["connections"] += 1
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            if self.kind == "silent":
                while connection.recv(65536):
                    pass
            else:
                Conversation(self, connection).run()
        except (OSError, EOFError):
            pass
        finally:
            connection.close()

    def block(self, piece, offset, length):
        block = bytearray(os.pread(self.file.fileno(), length, piece * self.piece_length + offset))
        self.counts["blocks"] += 1
        if self.kind == "corrupt" and self.random.random() < 0.5:
            block[self.random.randrange(len(block))] ^= 0xFF
            self.counts["bad_blocks"] += 1
        return bytes(block)


class Conversation:
    """One connection, answered as a seeder answers it; what lies, and what is slow, is the peer's business."""

    def __init__(self, peer, connection):
        self.peer, self.connection = peer, connection
        self.their_metadata_id = None
        self.told = set()

    def run(self):
        if self.read(20) != PROTOCOL:
            return
        if self.read(48)[8:28] != self.peer.info_hash.to_bytes():
            return
        self.connection.sendall(
            PROTOCOL + EXTENSIONS + self.peer.info_hash.to_bytes() + b"-LT2110-" + random.randbytes(12)
        )
        hello = {b"m": {b"ut_metadata": METADATA_ID}, b"metadata_size": len(self.peer.metadata), b"reqq": 500}
        self.send(20, b"\0" + lt.bencode(hello))
        everything = (1 << self.peer.piece_count) - 1 << -self.peer.piece_count % 8
        self.send(5, everything.to_bytes((self.peer.piece_count + 7) // 8, "big"))
        if self.peer.kind not in CHOKE_FOREVER:
            self.send(1, b"")
        while True:
            self.answer(self.read(struct.unpack(">I", self.read(4))[0]))

    def answer(self, message):
        if message[:1] == b"\x06":
            piece, offset, length = struct.unpack(">III", message[1:])
            block = self.peer.block(piece, offset, length)
            self.give(7, message[1:9] + block)
        elif message[:2] == b"\x14\x00":
            self.their_metadata_id = lt.bdecode(message[2:]).get(b"m", {}).get(b"ut_metadata")
        elif message[:2] == bytes([20, METADATA_ID]):
            self.give_metadata(lt.bdecode(message[2:]))

    def give_metadata(self, request):
        if request[b"msg_type"] != 0 or not self.their_metadata_id:
            return
        piece, metadata = request[b"piece"], self.peer.metadata
        part = metadata[piece * METADATA_PIECE : (piece + 1) * METADATA_PIECE]
        answer = {b"msg_type": 1, b"piece": piece, b"total_size": len(metadata)}
        self.give(20, bytes([self.their_metadata_id]) + lt.bencode(answer) + part)
        self.told.add(piece)
        if self.peer.kind in CHOKE_FOREVER and len(self.told) * METADATA_PIECE >= len(metadata):
            self.peer.counts["lies"] += 1
            self.peer.counts["last_lie"] = time.monotonic()

    def give(self, kind, payload):
        """What was asked for; trickling, by the byte."""
        if self.peer.kind != "trickle":
            return self.send(kind, payload)
        for byte in struct.pack(">IB", len(payload) + 1, kind) + payload:
            self.connection.sendall(bytes([byte]))
            time.sleep(1)

    def send(self, kind, payload):
        self.connection.sendall(struct.pack(">IB", len(payload) + 1, kind) + payload)

    def read(self, count):
        data = b""
        while len(data) < count:
            more = self.connection.recv(count - len(data))
            if not more:
                raise EOFError
            data += more
        return data


if __name__ == "__main__":
    main()
