"""What the rigs share: JSON lines on stdout, commands on stdin, a clean end, libtorrent sessions that stay on loopback.

A rig ends on SIGTERM, SIGINT, the command `stop`, or when its stdin is closed, whichever comes first, so that
nothing outlives the test that started it.
"""

import errno
import ipaddress
import json
import os
import queue
import random
import signal
import socket
import sys
import threading
import time

import libtorrent as lt

import wire

# What libtorrent needs to take nodes on loopback seriously. Everything else keeps its default.
PRIVATE_NETWORK = {
    "enable_dht": True,
    "enable_lsd": False,
    "enable_upnp": False,
    "enable_natpmp": False,
    "dht_bootstrap_nodes": "",
    "dht_restrict_routing_ips": False,
    "dht_restrict_search_ips": False,
    "dht_prefer_verified_node_ids": False,
    "dht_enforce_node_id": False,
    "dht_ignore_dark_internet": False,
    "allow_multiple_connections_per_ip": True,
}

# Sockets of `loopback_prefix`.
CLAIMS = []

NO_UTP = {"enable_outgoing_utp": False, "enable_incoming_utp": False}

# By default a libtorrent node sends 8,000 B/s and bans an address that asks more than 5 times a second.
NO_DHT_LIMITS = {"dht_upload_rate_limit": 100_000_000, "dht_block_ratelimit": 1_000_000}

# peer_info::utp_socket, which the Python binding leaves out between i2p_socket (bit 16) and rc4_encrypted (bit 19).
UTP_SOCKET = 1 << 17

ALERTS = (
    lt.alert.category_t.error_notification
    | lt.alert.category_t.status_notification
    | lt.alert.category_t.dht_notification
    | lt.alert.category_t.dht_operation_notification
    | lt.alert.category_t.storage_notification
)


def emit(event, **fields):
    """One JSON object, one line, at once."""
    print(json.dumps({"event": event, **fields}), flush=True)


def fail(message):
    emit("error", message=message)
    sys.exit(1)


def endpoint_text(endpoint):
    address, port = endpoint
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def parse_endpoint(text):
    """`127.0.0.1:6881` as libtorrent wants it."""
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def unpack_v6(packed):
    return str(ipaddress.IPv6Address(packed[:16])), int.from_bytes(packed[16:], "big")


def loopback_prefix():
    """Three octets that no rig or test on this machine uses at the same time.

    A socket that is bound below the prefix is the claim, and ends with this process (Tests: `LoopbackPrefix`).
    """
    generator = random.Random(os.getpid() ^ time.time_ns())
    for _ in range(100):
        prefix = f"127.{generator.randint(20, 250)}.{generator.randint(0, 255)}"
        claim = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            claim.bind((f"{prefix}.255", 6880))
        except OSError as error:
            claim.close()
            if error.errno == errno.EADDRINUSE:
                continue
            # A network namespace whose loopback is down: nothing else is there.
            return prefix
        CLAIMS.append(claim)
        return prefix
    fail("no prefix of 127.0.0.0/8 is free")


def require_loopback(address):
    if address.startswith(("10.77.", "44.")) and not wire.has_way_out():
        return address
    if not address.startswith("127.") and address != "::1":
        fail(f"{address}: the rigs stay within 127.0.0.0/8 and ::1, or a wire of their own")
    return address


def bracketed(address):
    return f"[{address}]" if ":" in address else address


def encryption(policy):
    """Settings for --encryption: which connections libtorrent makes and takes."""
    chosen, level = {"default": (1, 3), "off": (2, 3), "rc4": (0, 2), "plaintext": (0, 1)}[policy]
    return {"in_enc_policy": chosen, "out_enc_policy": chosen, "allowed_enc_level": level}


class Session:
    """A libtorrent session bound to one loopback address."""

    def __init__(self, address, settings=None, bootstrap=(), port=0):
        require_loopback(address)
        chosen = {**PRIVATE_NETWORK, **(settings or {})}
        chosen |= {
            "listen_interfaces": f"{bracketed(address)}:{port}",
            "outgoing_interfaces": address,
            "alert_mask": ALERTS | chosen.pop("alert_mask", 0),
        }
        self.lt = lt.session(chosen)
        self.address = address
        for endpoint in bootstrap:
            self.lt.add_dht_node(parse_endpoint(endpoint))
        deadline = time.monotonic() + 60
        while not self.lt.listen_port():
            if time.monotonic() > deadline:
                fail(f"libtorrent does not listen on {address}")
            time.sleep(0.01)

    @property
    def endpoint(self):
        return f"{bracketed(self.address)}:{self.lt.listen_port()}"

    def dht_state(self):
        """The node's id, and all endpoints in its table, also those that it has only heard about."""
        state = lt.write_session_params(self.lt.session_state(), lt.save_state_flags_t.save_dht_state)[b"dht state"]
        node_id = state[b"node-id"][0][:20].hex() if state.get(b"node-id") else None
        if ":" in self.address:
            return node_id, [endpoint_text(unpack_v6(packed)) for packed in state.get(b"nodes6", [])]
        known = [
            f"{'.'.join(str(octet) for octet in packed[:4])}:{int.from_bytes(packed[4:], 'big')}"
            for packed in state.get(b"nodes", [])
        ]
        return node_id, known


class Commands:
    """Lines of stdin, with the signals that mean `stop`."""

    def __init__(self):
        self._lines = queue.Queue()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._lines.put("stop"))
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while line := sys.stdin.readline(4096):
            self._lines.put(line.strip())
        self._lines.put("stop")

    def next(self, timeout):
        """The next command as a list of words, or an empty list when none came in time."""
        try:
            return self._lines.get(timeout=timeout).split()
        except queue.Empty:
            return []


class AnonymousMemory(threading.Thread):
    """The peak of a process's RssAnon: peak RSS would count the page cache of mapped files."""

    def __init__(self, pid, interval=0.02):
        super().__init__(daemon=True)
        self.peak_bytes = 0
        self._path = f"/proc/{pid}/status"
        self._interval = interval
        self._done = threading.Event()

    def run(self):
        while not self._done.wait(self._interval) and self.sample():
            pass

    def sample(self):
        try:
            with open(self._path) as status:
                for line in status:
                    if line.startswith("RssAnon:"):
                        self.peak_bytes = max(self.peak_bytes, int(line.split()[1]) * 1024)
                        return True
        except (FileNotFoundError, ProcessLookupError):
            pass
        return False

    def stop(self):
        self._done.set()
