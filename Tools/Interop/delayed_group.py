#!/usr/bin/env python3
"""Several libtorrent nodes of a delayed network in one process (docs/calibration.md); `bench_lookups.py` starts it.

Prints {"event": "ready"} once all have begun. Commands on stdin: `announce ROW HASH PORT`, `tables` (how many nodes
each table holds), `stop`.
"""

import argparse
import random
import time

import libtorrent as lt

import rig
import wire

# libtorrent's defaults for the DHT. What has nothing to do with it is off, and threads that nobody needs.
DELAYED = {
    "enable_dht": True,
    "enable_lsd": False,
    "enable_upnp": False,
    "enable_natpmp": False,
    "dht_bootstrap_nodes": "",
    "aio_threads": 1,
    "hashing_threads": 1,
    "alert_mask": int(lt.alert.category_t.dht_notification | lt.alert.category_t.dht_operation_notification),
}


def start(address, port, routers, **settings):
    """A session that enters the DHT by these endpoints."""
    rig.require_loopback(address)
    return lt.session(
        {
            **DELAYED,
            "listen_interfaces": f"{address}:{port}",
            "outgoing_interfaces": address,
            "dht_bootstrap_nodes": ",".join(f"{host}:{port}" for host, port in routers),
            **settings,
        }
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--first", type=int, required=True, help="row of the first node")
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--pause", type=float, default=0.15, help="seconds between two that start")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    commands = rig.Commands()
    generator = random.Random(f"{options.seed} {options.first}")
    nodes = {}
    for row in range(options.first, options.first + options.count):
        # libtorrent takes a bootstrap node for a router that is no node: all use the same, so that it is one only.
        nodes[row] = start(wire.inner(row), wire.PORT, [(wire.outer(0), wire.PORT)] if row else [])
        for other in generator.sample(range(row), min(2, row)):
            nodes[row].add_dht_node((wire.outer(other), wire.PORT))
        time.sleep(options.pause)
    rig.emit("ready")
    while True:
        words = commands.next(timeout=0.5)
        for node in nodes.values():
            node.pop_alerts()
        match words:
            case ["announce", row, info_hash, port]:
                nodes[int(row)].dht_announce(lt.sha1_hash(bytes.fromhex(info_hash)), int(port), 0)
            case ["tables"]:
                rig.emit("tables", nodes=[table_size(node) for node in nodes.values()])
            case ["stop"]:
                break


def table_size(node):
    """Contacts in the state that libtorrent would save."""
    state = lt.write_session_params(node.session_state(), lt.save_state_flags_t.save_dht_state)[b"dht state"]
    return len(state.get(b"nodes", []))


if __name__ == "__main__":
    main()
