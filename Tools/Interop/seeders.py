#!/usr/bin/env python3
"""Many libtorrent seeders of one file in one process, each on a loopback address of its own.

Prints {"event": "ready", "magnet", "endpoints", ...}; ends as every rig does.
"""

import argparse

import libtorrent as lt

import rig
import seeder


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--file", required=True)
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--prefix", default=rig.loopback_prefix(), help="three octets, e.g. 127.7.0")
    parser.add_argument("--piece-length", type=int, default=16 << 20)
    parser.add_argument("--save-torrent", help="write the .torrent here")
    parser.add_argument("--upload-limit", default="", help="bytes per second of each; a list is dealt out in turn")
    parser.add_argument("--bootstrap", action="append", default=[], help="HOST:PORT of a DHT node; repeatable")
    options = parser.parse_args()
    options.torrent, options.tracker, options.private = None, [], False
    if not 1 <= options.count <= 200:
        rig.fail("--count: 1 to 200")
    commands = rig.Commands()
    info, save_path = seeder.make_torrent(options)
    limits = [int(limit) for limit in options.upload_limit.split(",") if limit]
    # Threads that fifty sessions of one process do not need.
    settings = {**rig.NO_UTP, "aio_threads": 1, "hashing_threads": 1, "enable_dht": bool(options.bootstrap)}
    sessions = []
    for number in range(options.count):
        session = rig.Session(f"{options.prefix}.{number + 1}", settings, options.bootstrap)
        limit = limits[number % len(limits)] if limits else None
        sessions.append((session, seeder.add_torrent(session, info, save_path, limit)))
    rig.emit(
        "ready",
        **seeder.describe(info, sessions[0][0]),
        endpoints=[session.endpoint for session, _ in sessions],
    )
    while commands.next(timeout=1) != ["stop"]:
        for session, torrent in sessions:
            session.lt.pop_alerts()
            if options.bootstrap:
                torrent.force_dht_announce()
    seeder.leave(
        uploaded_bytes=[torrent.status().total_payload_upload for _, torrent in sessions],
    )


if __name__ == "__main__":
    main()
