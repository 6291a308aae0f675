#!/usr/bin/env python3
"""What a download costs without any protocol: one thread that receives, hashes pieces with SHA-1 and writes them.

    floor.py send FILE ADDRESS              serves FILE once, prints {"event": "ready", "endpoint"}
    floor.py receive ENDPOINT FILE PIECE    receives to FILE, prints {"event": "completed", ...}
"""

import hashlib
import os
import socket
import sys
import time

import rig

READ_BYTES = 256 * 1024


def send(path, address):
    with socket.create_server((rig.require_loopback(address), 0)) as listener, open(path, "rb") as file:
        listener.settimeout(60)
        rig.emit("ready", endpoint=f"{address}:{listener.getsockname()[1]}")
        connection, _ = listener.accept()
        with connection:
            connection.sendfile(file)


def receive(endpoint, path, piece_length):
    started = time.monotonic()
    piece, pieces, total = memoryview(bytearray(piece_length)), 0, 0
    with socket.create_connection(rig.parse_endpoint(endpoint), timeout=60) as connection, open(path, "wb", 0) as file:
        more = True
        while more:
            filled = 0
            while filled < piece_length:
                count = connection.recv_into(piece[filled : filled + READ_BYTES])
                if not count:
                    more = False
                    break
                filled += count
            if filled:
                hashlib.sha1(piece[:filled]).digest()
                file.write(piece[:filled])
                pieces, total = pieces + 1, total + filled
    rig.emit("completed", bytes=total, pieces=pieces, seconds=round(time.monotonic() - started, 3), pid=os.getpid())


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["send", path, address]:
            send(path, address)
        case ["receive", endpoint, path, piece]:
            receive(endpoint, path, int(piece))
        case _:
            sys.exit(__doc__)
