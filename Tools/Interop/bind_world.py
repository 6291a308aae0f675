#!/usr/bin/env python3
"""The far side of bind_leaks.py: a name server, HTTP, HTTPS and UDP trackers, all in one process.

`--address A` and `--address6 B` are where they listen; `--certificate` has the certificate and key of HTTPS. Names that
end with `.bind.test` have both addresses. Each request is counted by kind; the counts are printed as a JSON line every
half second, with the peers that the trackers know. Ends when its standard input is closed.
"""

import argparse
import http.server
import json
import os
import socket
import ssl
import struct
import sys
import threading
import time
import urllib.parse

INTERVAL = 60


class World:
    """The peers of each torrent, and what was asked how often."""

    def __init__(self):
        self.lock = threading.Lock()
        self.counts = {}
        self.peers = {}

    def count(self, kind):
        with self.lock:
            self.counts[kind] = self.counts.get(kind, 0) + 1

    def announced(self, info_hash, host, port, leaves):
        """Notes a peer, and returns the others in compact form."""
        with self.lock:
            peers = self.peers.setdefault(info_hash, {})
            others = [peer for peer in peers if peer != (host, port)]
            peers.pop((host, port), None)
            if not leaves:
                peers[(host, port)] = time.monotonic()
        packed = b"".join(socket.inet_aton(host) + struct.pack(">H", port) for host, port in others if ":" not in host)
        return packed


def serve_names(world, options, address, family):
    """A and AAAA records of the far side's own addresses; no other name exists."""
    server = socket.socket(family, socket.SOCK_DGRAM)
    server.bind((address, 53))
    while True:
        question, source = server.recvfrom(2048)
        world.count("dns")
        end, labels = 12, []
        while question[end]:
            labels.append(question[end + 1 : end + 1 + question[end]].decode("ascii", "replace"))
            end += 1 + question[end]
        end += 5
        kind = struct.unpack(">H", question[end - 4 : end - 2])[0]
        name = ".".join(labels).lower()
        answer = b""
        if name.endswith(".bind.test"):
            if kind == 1:
                answer = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 1, 4) + socket.inet_aton(options.address)
            if kind == 28:
                packed = socket.inet_pton(socket.AF_INET6, options.address6)
                answer = b"\xc0\x0c" + struct.pack(">HHIH", 28, 1, 1, 16) + packed
        code = 0x8580 if name.endswith(".bind.test") else 0x8583
        header = question[:2] + struct.pack(">HHHHH", code, 1, 1 if answer else 0, 0, 0)
        server.sendto(header + question[12:end] + answer, source)


def serve_udp(world, options):
    """BEP 15: connect and announce."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((options.address, 6969))
    while True:
        packet, source = server.recvfrom(2048)
        if len(packet) < 16:
            continue
        action, transaction = struct.unpack(">II", packet[8:16])
        if action == 0:
            server.sendto(struct.pack(">IIQ", 0, transaction, 0x1234), source)
        elif action == 1 and len(packet) >= 98:
            world.count("udp")
            info_hash, event, port = packet[16:36].hex(), struct.unpack(">I", packet[80:84])[0], packet[96:98]
            peers = world.announced(info_hash, source[0], struct.unpack(">H", port)[0], event == 3)
            server.sendto(struct.pack(">IIIII", 1, transaction, INTERVAL, 0, 1) + peers, source)
        else:
            server.sendto(struct.pack(">II", 3, transaction) + b"no", source)


def serve_http(world, address, port, certificate):
    kind = "https" if certificate else "http"

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            world.count(kind)
            query = urllib.parse.parse_qs(urllib.parse.urlparse(self.path).query, encoding="latin-1")
            # The first request is sent on, by a name of its own.
            if self.path.startswith("/announce?"):
                self.send_response(302)
                self.send_header("Location", f"{kind}://moved.bind.test:{port}/announce/" + self.path[9:])
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            info_hash = query.get("info_hash", [""])[0].encode("latin-1").hex()
            number, leaves = int(query.get("port", ["0"])[0]), query.get("event") == ["stopped"]
            peers = world.announced(info_hash, self.client_address[0], number, leaves)
            body = b"d8:completei1e10:incompletei1e8:intervali%de5:peers%d:%se" % (INTERVAL, len(peers), peers)
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    class Server(http.server.ThreadingHTTPServer):
        address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        daemon_threads = True

        def handle_error(self, *_):
            pass

    server = Server((address, port), Handler)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        # Without the handshake in the loop that accepts, which one silent caller could stop.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.serve_forever()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--address", required=True)
    parser.add_argument("--address6", required=True)
    parser.add_argument("--certificate", required=True)
    options = parser.parse_args()
    world = World()
    tasks = [(serve_udp, (world, options))]
    for address in (options.address, options.address6):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        tasks.append((serve_names, (world, options, address, family)))
        tasks.append((serve_http, (world, address, 8080, None)))
        tasks.append((serve_http, (world, address, 8443, options.certificate)))
    for task, arguments in tasks:
        threading.Thread(target=task, args=arguments, daemon=True).start()

    def tell():
        while True:
            with world.lock:
                peers = {key: [f"{host}:{port}" for host, port in value] for key, value in world.peers.items()}
                print(json.dumps({"event": "counts", "counts": dict(world.counts), "peers": peers}), flush=True)
            time.sleep(0.5)

    threading.Thread(target=tell, daemon=True).start()
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
