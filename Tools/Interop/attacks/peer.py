"""The peer protocol in asyncio, as far as attackers and scripted honest peers need it."""

import asyncio
import hashlib
import os
import random
import struct

PROTOCOL = b"\x13BitTorrent protocol"
# Extensions (BEP 10), fast extension (BEP 6), DHT (BEP 5).
RESERVED = bytes([0, 0, 0, 0, 0, 0x10, 0, 0x05])
WITHOUT_FAST = bytes([0, 0, 0, 0, 0, 0x10, 0, 0])
BLOCK = 16 * 1024

CHOKE, UNCHOKE, INTERESTED, NOT_INTERESTED, HAVE, BITFIELD, REQUEST, PIECE, CANCEL, PORT = range(10)
HAVE_ALL, HAVE_NONE, REJECT, EXTENDED = 14, 15, 16, 20
# Our own numbers for extension messages.
METADATA, EXCHANGE = 1, 2

# What ends a conversation without being an error of the rig.
GONE = (OSError, EOFError, asyncio.IncompleteReadError, ValueError, struct.error)


def bencode(value):
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        return b"%d:%s" % (len(value), value)
    if isinstance(value, list):
        return b"l" + b"".join(map(bencode, value)) + b"e"
    pairs = sorted((key.encode() if isinstance(key, str) else key, part) for key, part in value.items())
    return b"d" + b"".join(bencode(key) + bencode(part) for key, part in pairs) + b"e"


def bdecode(data, start=0):
    """The value at `start`, and where it ends; keys and strings are bytes."""
    lead = data[start : start + 1]
    if lead == b"i":
        end = data.index(b"e", start)
        return int(data[start + 1 : end]), end + 1
    if lead in (b"l", b"d"):
        parts, start = [], start + 1
        while data[start : start + 1] != b"e":
            part, start = bdecode(data, start)
            parts.append(part)
        return (parts if lead == b"l" else dict(zip(parts[::2], parts[1::2]))), start + 1
    colon = data.index(b":", start)
    end = colon + 1 + int(data[start:colon])
    return data[colon + 1 : end], end


def message(kind, payload=b""):
    return struct.pack(">IB", len(payload) + 1, kind) + payload


def request(piece, offset=0, length=BLOCK, kind=REQUEST):
    return message(kind, struct.pack(">III", piece, offset, length))


def compact(endpoints):
    """Endpoints of IPv4 as trackers and exchange messages name them."""
    return b"".join(
        bytes(map(int, address.split("."))) + struct.pack(">H", port) for address, port in endpoints
    )


class Torrent:
    """A torrent of one file, or with `padding` pieces of a second file that no peer has: their hashes are random.

    `filler` bytes make the metadata longer.
    """

    def __init__(self, size, piece_length, trackers=(), padding=0, seed=1, name="payload.bin", filler=0):
        generator = random.Random(f"{size} {piece_length} {padding} {seed}")
        self.payload = generator.randbytes(size)
        self.piece_length, self.size, self.name = piece_length, size, name
        hashes = [
            hashlib.sha1(self.payload[start : start + piece_length]).digest()
            for start in range(0, size, piece_length)
        ]
        self.own_pieces = len(hashes)
        info = {"name": name, "piece length": piece_length}
        info["pieces"] = b"".join(hashes) + generator.randbytes(20 * padding)
        if padding:
            rest = padding * piece_length
            info["files"] = [{"length": size, "path": [name]}, {"length": rest, "path": ["rest.bin"]}]
            info["name"] = "folder"
        else:
            info["length"] = size
        if filler:
            info["filler"] = generator.randbytes(filler)
        self.pieces = len(hashes) + padding
        self.metadata = bencode(info)
        self.info_hash = hashlib.sha1(self.metadata).digest()
        self.trackers = list(trackers)
        self.magnet = f"magnet:?xt=urn:btih:{self.info_hash.hex()}"
        self.magnet += "".join(f"&tr={url}" for url in self.trackers)

    def write(self, path):
        outer = b"4:info" + self.metadata + b"e"
        if self.trackers:
            outer = b"8:announce" + bencode(self.trackers[0]) + outer
            if len(self.trackers) > 1:
                tiers = bencode([[url] for url in self.trackers])
                outer = outer.replace(b"4:info", b"13:announce-list" + tiers + b"4:info", 1)
        with open(path, "wb") as file:
            file.write(b"d" + outer)

    def length_of(self, piece):
        total = self.pieces * self.piece_length if self.pieces > self.own_pieces else self.size
        return min(self.piece_length, total - piece * self.piece_length)

    def block(self, piece, offset, length):
        start = piece * self.piece_length + offset
        return self.payload[start : start + length]

    @property
    def full_bitfield(self):
        bits = (1 << self.pieces) - 1 << -self.pieces % 8
        return bits.to_bytes((self.pieces + 7) // 8, "big")


class Wire:
    """One connection: messages out one by one, messages in as batches of what has arrived."""

    def __init__(self, reader, writer, torrent):
        self.reader, self.writer, self.torrent = reader, writer, torrent
        self.rest = b""
        self.their_extensions, self.their_metadata_size = {}, None
        self.their_id = self.our_id = None
        self.remote = writer.get_extra_info("peername")

    async def shake(self, peer_id=None, reserved=RESERVED):
        """Both handshakes; a caller that opens encrypted is let go, and comes back in plaintext."""
        self.our_id = peer_id or b"-XX0001-" + os.urandom(12)
        self.writer.write(PROTOCOL + reserved + self.torrent.info_hash + self.our_id)
        head = await self.reader.readexactly(68)
        if head[:20] != PROTOCOL or head[28:48] != self.torrent.info_hash:
            raise EOFError("not our protocol")
        self.their_id = head[48:]

    async def answer(self, peer_id=None, reserved=RESERVED):
        """As `shake`, but the other end speaks first."""
        head = await self.reader.readexactly(20)
        if head != PROTOCOL:
            raise EOFError("not our protocol")
        head += await self.reader.readexactly(48)
        if head[28:48] != self.torrent.info_hash:
            raise EOFError("not our torrent")
        self.their_id = head[48:]
        self.our_id = self.their_id if peer_id == "echo" else peer_id or b"-XX0001-" + os.urandom(12)
        self.writer.write(PROTOCOL + reserved + self.torrent.info_hash + self.our_id)

    def send(self, kind, payload=b""):
        self.writer.write(message(kind, payload))

    def hello(self, metadata_size=None, **more):
        body = {"m": {"ut_metadata": METADATA, "ut_pex": EXCHANGE}, "reqq": 500, **more}
        if metadata_size:
            body["metadata_size"] = metadata_size
        self.send(EXTENDED, b"\0" + bencode(body))

    def send_extension(self, name, body, tail=b""):
        number = self.their_extensions.get(name.encode())
        if number:
            self.send(EXTENDED, bytes([number]) + bencode(body) + tail)

    async def drain(self):
        await self.writer.drain()

    async def batch(self):
        """The messages that have arrived, at least one: (kind, payload)."""
        while True:
            found, data, start = [], self.rest, 0
            while len(data) - start >= 4:
                length = int.from_bytes(data[start : start + 4], "big")
                if len(data) - start < 4 + length:
                    break
                if length:
                    found.append((data[start + 4], data[start + 5 : start + 4 + length]))
                start += 4 + length
            self.rest = data[start:] if start else data
            for kind, payload in found:
                if kind == EXTENDED and payload[:1] == b"\0":
                    self.note_hello(payload[1:])
            if found:
                return found
            more = await self.reader.read(1 << 18)
            if not more:
                raise EOFError
            self.rest += more

    def note_hello(self, body):
        hello = bdecode(body)[0]
        self.their_extensions = {key: value for key, value in hello.get(b"m", {}).items() if value}
        self.their_metadata_size = hello.get(b"metadata_size")

    def close(self):
        self.writer.close()


async def converse(reader, writer, torrent, behave, counts, is_caller):
    """Runs `behave` on a connection until one end is gone."""
    wire = Wire(reader, writer, torrent)
    wire.is_caller = is_caller
    try:
        await behave(wire)
    except GONE:
        counts["ended"] += 1
    finally:
        writer.close()


async def listen(torrent, address, port, behave, counts, backlog=512):
    """Takes connections and lets `behave` answer each."""

    async def take(reader, writer):
        counts["connections"] += 1
        await converse(reader, writer, torrent, behave, counts, is_caller=False)

    return await asyncio.start_server(take, address, port, backlog=backlog, limit=1 << 18)


async def call(torrent, target, source, behave, counts, pause=0.5, times=None):
    """Calls `target`, again and again after `pause` seconds."""
    while times is None or times > 0:
        times = None if times is None else times - 1
        try:
            reader, writer = await asyncio.open_connection(*target, local_addr=(source, 0), limit=1 << 18)
        except OSError:
            counts["refused"] += 1
        else:
            counts["calls"] += 1
            await converse(reader, writer, torrent, behave, counts, is_caller=True)
        await asyncio.sleep(pause)


async def forever():
    await asyncio.Event().wait()


async def together(*coroutines):
    """Runs all until the process is told to stop."""
    await asyncio.gather(*coroutines)


async def host(counts, torrent, endpoints, behave, *arguments, **more):
    """Listens at each endpoint; `behave(wire, counts, number, ...)` answers, `number` being that of the endpoint."""
    for number, (address, port) in enumerate(endpoints):

        async def answer(wire, number=number):
            await behave(wire, counts, number, *arguments, **more)

        await listen(torrent, address, port, answer, counts)
    await forever()


async def callers(counts, torrent, target, sources, behave, *arguments, pause=0.5, spread=0.0, times=None, **more):
    """Calls from each source address, again and again; `spread` seconds lie between the first calls."""
    tasks = []
    for number, source in enumerate(sources):

        async def act(wire, number=number):
            await behave(wire, counts, number, *arguments, **more)

        tasks.append(asyncio.ensure_future(call(torrent, target, source, act, counts, pause, times)))
        await asyncio.sleep(spread)
    await together(*tasks)


async def open_up(wire, peer_id=None, reserved=RESERVED):
    """Both handshakes, of a connection in either direction."""
    await (wire.shake if wire.is_caller else wire.answer)(peer_id, reserved)


async def read_on(wire):
    """Takes messages and does nothing, until the other end is gone."""
    while True:
        await wire.batch()


async def read_nothing(wire):
    """Keeps the connection, and lets what comes fill the buffers of the other end."""
    wire.reader._transport.pause_reading()
    await forever()
