#!/usr/bin/env python3
"""One cold lookup by libtorrent: prints the seconds from before its session is made to its first peer, or null.

The import of the library does not count. `bench_lookups.py` starts it, a process for each lookup, so that the end of
one session disturbs nobody else's times.
"""

import argparse
import json
import os
import sys
import time

import libtorrent as lt

import delayed_group


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("info_hash")
    parser.add_argument("--address", required=True)
    parser.add_argument("--bootstrap", required=True, help="host:port")
    parser.add_argument("--eager", action="store_true", help="look up before the bootstrap is over")
    parser.add_argument("--patience", type=float, default=30)
    options = parser.parse_args()
    host, _, port = options.bootstrap.rpartition(":")
    begun = time.monotonic()
    session = delayed_group.start(options.address, 0, [(host, int(port))], dht_read_only=True)
    if options.eager:
        session.dht_get_peers(lt.sha1_hash(bytes.fromhex(options.info_hash)))
    seconds = first_peer(session, options.info_hash, begun, options.patience, asks_after_bootstrap=True)
    print(json.dumps(seconds), flush=True)
    os._exit(0)


def first_peer(session, info_hash, begun, patience, asks_after_bootstrap=False):
    """Seconds from `begun` to the first peer, or None; with a lookup at the end of the bootstrap."""
    wanted = lt.sha1_hash(bytes.fromhex(info_hash))
    while (left := begun + patience - time.monotonic()) > 0:
        session.wait_for_alert(int(left * 1000) + 1)
        for alert in session.pop_alerts():
            if isinstance(alert, lt.dht_get_peers_reply_alert) and alert.info_hash == wanted and alert.peers():
                return time.monotonic() - begun
            if asks_after_bootstrap and isinstance(alert, lt.dht_bootstrap_alert):
                session.dht_get_peers(wanted)
    return None


if __name__ == "__main__":
    sys.exit(main())
