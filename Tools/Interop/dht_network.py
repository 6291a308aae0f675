#!/usr/bin/env python3
"""A private DHT of libtorrent sessions, each on a loopback address of its own.

Prints {"event": "ready", "bootstrap", "nodes": [{"endpoint", "id"}]} once every node holds others as good, and
{"event": "announce_received", "node", "info_hash", "peer"} for each announce_peer. A node is "good" for libtorrent
when it is in a bucket, where only nodes come that have answered it; "known" ones may be hearsay. Commands on stdin,
one a line:

    nodes               what each node holds: "good" as [id, endpoint], "known" endpoints
    knows ENDPOINT      how many nodes hold this endpoint as good, how many know it, and the ids it is good under
    announces [HASH]    the announce_peer messages received so far
    announce HASH PORT  the last node announces a peer of its own at this port; announce_seed: one that has everything
    peers HASH          a get_peers from a session outside the network; the union of what is found
    put VALUE           the last node puts an immutable string, in hexadecimal (BEP 44)
    get TARGET          the first node gets an immutable item
    put_as SEED KEY VALUE [SALT]
                        the last node puts the next version of a mutable string, all in hexadecimal
    get_of KEY [SALT]   the first node gets a mutable item
    sample ENDPOINT     the first node asks a node for a sample of its infohashes (BEP 51)
    add ENDPOINT        tells every node of another node
    stop                also SIGTERM, SIGINT and the end of stdin
"""

import argparse
import hashlib
import time

import libtorrent as lt

import rig


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nodes", type=int, default=8)
    parser.add_argument("--prefix", default=rig.loopback_prefix(), help="three octets, e.g. 127.7.0")
    parser.add_argument("--addresses", help="of the nodes instead, separated by commas, and of a prober")
    parser.add_argument("--port", type=int, default=0, help="of each node; 0: any free one")
    parser.add_argument("--good", type=int, default=7, help="nodes that each must hold as good before it is ready")
    parser.add_argument("--ipv6", action="store_true", help="all nodes on ::1, each with a port of its own")
    parser.add_argument("--lift-limits", action="store_true", help="let each node answer any load")
    parser.add_argument("--lifetime", type=float, default=3600, help="seconds until it ends by itself")
    options = parser.parse_args()
    if not 1 <= options.nodes <= 199:
        rig.fail("--nodes: 1 to 199")
    commands = rig.Commands()
    network = Network(addresses(options), options.port, rig.NO_DHT_LIMITS if options.lift_limits else {})
    network.wait_until_connected(commands, options.good)
    end = time.monotonic() + options.lifetime
    while time.monotonic() < end:
        words = commands.next(timeout=0.05)
        network.collect()
        if words == ["stop"]:
            break
        if words:
            network.run(words)
    rig.emit("stopped", announces=len(network.announces))


def addresses(options):
    """Of the nodes, and at the end that of whoever asks from outside."""
    if options.addresses:
        return options.addresses.split(",")
    if options.ipv6:
        return ["::1"] * (options.nodes + 1)
    return [f"{options.prefix}.{1 + i}" for i in range(options.nodes)] + [f"{options.prefix}.254"]


SEED = 1  # dht::announce::seed


def expanded_key(seed):
    """The private key as libtorrent wants it: what RFC 8032 derives from the seed (section 5.1.5)."""
    digest = bytearray(hashlib.sha512(seed).digest())
    digest[0] &= 248
    digest[31] = digest[31] & 127 | 64
    return bytes(digest)


def salt_bytes(words):
    return bytes.fromhex(words[0]) if words else b""


class Network:
    def __init__(self, addresses, port, settings):
        self.announces = []
        self.settings = settings
        *addresses, self.prober_address = addresses
        router = None
        if not self.prober_address.startswith("127.") and ":" not in self.prober_address:
            router = rig.Session(self.prober_address, settings)
            settings = {**settings, "dht_bootstrap_nodes": router.endpoint}
        self.nodes = [rig.Session(address, settings, port=port) for address in addresses]
        if router:
            self.take_addresses()
            del router
        self.live = {}
        for node in self.nodes:
            for other in self.nodes:
                if other is not node:
                    node.lt.add_dht_node(rig.parse_endpoint(other.endpoint))

    def take_addresses(self, limit=60):
        """Waits until a router, whom no table holds, has told each node its address.

        A node then takes an id that goes with it (BEP 42): whoever knew it before would go on naming the old one.
        """
        waiting, deadline = set(self.nodes), time.monotonic() + limit
        while waiting:
            if time.monotonic() > deadline:
                rig.fail(f"{len(waiting)} nodes have not learnt their address within {limit} s")
            time.sleep(0.05)
            for node in list(waiting):
                if any(isinstance(alert, lt.external_ip_alert) for alert in node.lt.pop_alerts()):
                    waiting.remove(node)
        time.sleep(0.5)

    def wait_until_connected(self, commands, good, limit=120):
        started = time.monotonic()
        wanted = min(len(self.nodes) - 1, good)
        while min(len(view["good"]) for view in self.views()) < wanted:
            if time.monotonic() - started > limit:
                rig.fail(f"the nodes did not find {wanted} others each within {limit} s")
            if commands.next(timeout=0.1) == ["stop"]:
                rig.fail("stopped before the network stood")
        rig.emit(
            "ready",
            bootstrap=self.nodes[0].endpoint,
            nodes=[{"endpoint": node.endpoint, "id": node.dht_state()[0]} for node in self.nodes],
            seconds=round(time.monotonic() - started, 3),
        )

    def run(self, words):
        match words:
            case ["nodes"]:
                rig.emit("nodes", nodes=self.views())
            case ["knows", endpoint]:
                views = self.views()
                rig.emit(
                    "knows",
                    endpoint=endpoint,
                    good=sum(any(endpoint == good[1] for good in view["good"]) for view in views),
                    known=sum(endpoint in view["known"] for view in views),
                    ids=sorted({good[0] for view in views for good in view["good"] if good[1] == endpoint}),
                    nodes=len(views),
                )
            case ["announces", *hashes]:
                rig.emit("announces", announces=[a for a in self.announces if not hashes or a["info_hash"] in hashes])
            case ["announce", info_hash, port]:
                self.nodes[-1].lt.dht_announce(lt.sha1_hash(bytes.fromhex(info_hash)), int(port), 0)
                rig.emit("announcing", info_hash=info_hash, port=int(port))
            case ["announce_seed", info_hash, port]:
                self.nodes[-1].lt.dht_announce(lt.sha1_hash(bytes.fromhex(info_hash)), int(port), SEED)
                rig.emit("announcing", info_hash=info_hash, port=int(port))
            case ["put", value]:
                target = self.nodes[-1].lt.dht_put_immutable_item(bytes.fromhex(value))
                done = self.wait_for(self.nodes[-1], lt.dht_put_alert)
                rig.emit("put", target=str(target), stored_with=done.num_success if done else 0)
            case ["get", target]:
                self.nodes[0].lt.dht_get_immutable_item(lt.sha1_hash(bytes.fromhex(target)))
                found = self.wait_for(self.nodes[0], lt.dht_immutable_item_alert)
                rig.emit("item", value=found.item.hex() if found and isinstance(found.item, bytes) else None)
            case ["put_as", seed, key, value, *salt]:
                self.nodes[-1].lt.dht_put_mutable_item(
                    expanded_key(bytes.fromhex(seed)), bytes.fromhex(key), bytes.fromhex(value), salt_bytes(salt)
                )
                done = self.wait_for(self.nodes[-1], lt.dht_put_alert)
                rig.emit("put", seq=done.seq if done else None, stored_with=done.num_success if done else 0)
            case ["get_of", key, *salt]:
                self.nodes[0].lt.dht_get_mutable_item(bytes.fromhex(key), salt_bytes(salt))
                # One comes for each newer version that is met; the last of them is authoritative.
                found = self.wait_for(self.nodes[0], lt.dht_mutable_item_alert, lambda alert: alert.authoritative)
                item = found.item if found and isinstance(found.item, bytes) else None
                rig.emit("item", value=item.hex() if item else None, seq=found.seq if found else None)
            case ["sample", endpoint]:
                self.nodes[0].lt.dht_sample_infohashes(rig.parse_endpoint(endpoint), lt.sha1_hash(bytes(20)))
                found = self.wait_for(self.nodes[0], lt.dht_sample_infohashes_alert)
                rig.emit(
                    "samples",
                    samples=[str(sample) for sample in found.samples] if found else None,
                    total=found.num_infohashes if found else None,
                )
            case ["peers", info_hash]:
                rig.emit("peers", info_hash=info_hash, peers=self.probe(info_hash))
            case ["add", endpoint]:
                for node in self.nodes:
                    node.lt.add_dht_node(rig.parse_endpoint(endpoint))
                rig.emit("added", endpoint=endpoint)
            case _:
                rig.emit("error", message=f"unknown command: {' '.join(words)}")

    def wait_for(self, node, kind, condition=lambda _: True, limit=60):
        """The next alert of a node of this kind, or None."""
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            for alert in node.lt.pop_alerts():
                if isinstance(alert, kind) and condition(alert):
                    return alert
            time.sleep(0.01)
        return None

    def collect(self):
        """Takes the alerts of all nodes."""
        for node in self.nodes:
            for alert in node.lt.pop_alerts():
                if isinstance(alert, lt.dht_announce_alert):
                    announce = {
                        "node": node.endpoint,
                        "info_hash": str(alert.info_hash),
                        "peer": f"{rig.bracketed(str(alert.ip))}:{alert.port}",
                    }
                    self.announces.append(announce)
                    rig.emit("announce_received", **announce)
                elif isinstance(alert, lt.dht_live_nodes_alert):
                    self.live[node.endpoint] = [
                        [str(live["nid"]), rig.endpoint_text(live["endpoint"])] for live in alert.nodes
                    ]

    def views(self, limit=20):
        """What each node holds now."""
        self.live = {}
        states = {node.endpoint: node.dht_state() for node in self.nodes}
        for node in self.nodes:
            node.lt.dht_live_nodes(lt.sha1_hash(bytes.fromhex(states[node.endpoint][0])))
        deadline = time.monotonic() + limit
        while len(self.live) < len(self.nodes) and time.monotonic() < deadline:
            time.sleep(0.02)
            self.collect()
        return [
            {"endpoint": endpoint, "id": node_id, "good": self.live.get(endpoint, []), "known": known}
            for endpoint, (node_id, known) in states.items()
        ]

    def probe(self, info_hash, limit=30):
        """Asks from outside, so that no node answers from its own store alone."""
        prober = rig.Session(
            self.prober_address,
            {**self.settings, "dht_read_only": True},
            [node.endpoint for node in self.nodes],
        )
        found, deadline, asked = set(), time.monotonic() + limit, 0
        while time.monotonic() < deadline and not found:
            # The state that libtorrent would save has no IPv6 nodes for a while.
            is_ready = ":" in self.prober_address or prober.dht_state()[1]
            if time.monotonic() - asked > 1 and is_ready:
                prober.lt.dht_get_peers(lt.sha1_hash(bytes.fromhex(info_hash)))
                asked = time.monotonic()
            time.sleep(0.05)
            self.collect()
            for alert in prober.lt.pop_alerts():
                if isinstance(alert, lt.dht_get_peers_reply_alert):
                    found |= {rig.endpoint_text(peer) for peer in alert.peers()}
        return sorted(found)


if __name__ == "__main__":
    main()
