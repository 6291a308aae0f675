#!/usr/bin/env python3
"""Downloads a magnet with libtorrent's default settings (uTP first) through a private DHT.

Prints {"event": "metadata", "seconds", ...}, then {"event": "completed", ...} and exits 0; on a timeout {"event": "error"}
and exit code 1. Seconds count from the start of the process, Python and libtorrent's loading included in
`startup_seconds`. CPU seconds and peak anonymous memory are of this process; its bare floor is in `base_bytes`.
"""

import argparse
import os
import resource
import time

STARTED = time.monotonic()

import libtorrent as lt  # noqa: E402: the clock starts before the library loads

import rig  # noqa: E402


def main():
    options = parse()
    commands = rig.Commands()
    memory = rig.AnonymousMemory(os.getpid())
    memory.sample()
    base_bytes = memory.peak_bytes
    memory.start()
    startup_seconds = elapsed()
    settings = {**(rig.NO_UTP if options.no_utp else {}), **rig.encryption(options.encryption), "enable_lsd": options.lsd}
    session = rig.Session(options.address, settings, options.bootstrap)
    parameters = lt.parse_magnet_uri(options.magnet)
    parameters.save_path = options.output
    parameters.flags &= ~(lt.torrent_flags.paused | lt.torrent_flags.auto_managed)
    torrent = session.lt.add_torrent(parameters)
    for peer in options.peer:
        torrent.connect_peer(rig.parse_endpoint(peer))
    seconds = wait(session, torrent, options, commands, startup_seconds)
    memory.sample()
    status = torrent.status()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    rig.emit(
        "completed",
        **seconds,
        startup_seconds=round(startup_seconds, 3),
        bytes=status.total_payload_download,
        name=status.name,
        failed_bytes=status.total_failed_bytes,
        cpu_seconds=round(usage.ru_utime + usage.ru_stime, 3),
        peak_anonymous_bytes=memory.peak_bytes,
        base_bytes=base_bytes,
        peers=connected_peers(torrent),
    )
    if options.seed_seconds:
        end = time.monotonic() + options.seed_seconds
        while time.monotonic() < end and commands.next(timeout=0.1) != ["stop"]:
            pass
    os._exit(0)


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("magnet")
    parser.add_argument("--output", "-o", default=".")
    parser.add_argument("--lsd", action="store_true", help="local service discovery, in a namespace of its own")
    parser.add_argument("--address", default=rig.loopback_prefix() + ".201")
    parser.add_argument("--bootstrap", action="append", default=[], help="HOST:PORT of a DHT node; repeatable")
    parser.add_argument("--peer", action="append", default=[], help="HOST:PORT of a peer; repeatable")
    parser.add_argument("--encryption", default="default", help="off; rc4 or plaintext, behind hidden handshakes; default: any")
    parser.add_argument("--no-utp", action="store_true")
    parser.add_argument("--timeout", type=float, default=120)
    parser.add_argument("--seed-seconds", type=float, default=0, help="go on seeding for so long")
    return parser.parse_args()


def wait(session, torrent, options, commands, startup_seconds):
    """Follows the download to its end; returns the times of its stages."""
    seconds, announced_at, peers_before = {}, -1.0, 0
    while not (status := torrent.status()).is_seeding:
        if elapsed() > options.timeout:
            rig.fail(f"not complete within {options.timeout} s: {status.state}, {status.total_done} bytes")
        if commands.next(timeout=0.005) == ["stop"]:
            rig.fail("stopped before it was complete")
        # A torrent added before the DHT stands is not looked up for 15 minutes unless it is told to.
        if not status.list_peers and options.bootstrap and elapsed() - announced_at > 0.25 and session.dht_state()[1]:
            torrent.force_dht_announce()
            announced_at = elapsed()
        if status.list_peers and not peers_before:
            seconds["first_peer_seconds"] = round(elapsed(), 3)
            peers_before = status.list_peers
        if status.has_metadata and "metadata_seconds" not in seconds:
            seconds["metadata_seconds"] = round(elapsed(), 3)
            rig.emit(
                "metadata",
                seconds=seconds["metadata_seconds"],
                startup_seconds=round(startup_seconds, 3),
                name=status.name,
            )
        if status.total_payload_download and "first_data_seconds" not in seconds:
            seconds["first_data_seconds"] = round(elapsed(), 3)
    seconds.setdefault("metadata_seconds", round(elapsed(), 3))
    flush(session, torrent)
    return seconds | {"complete_seconds": round(elapsed(), 3)}


def flush(session, torrent):
    """Verified is not yet written: leaving now would lose what the disk threads still hold."""
    session.lt.pop_alerts()
    torrent.flush_cache()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        session.lt.wait_for_alert(100)
        if any(isinstance(alert, lt.cache_flushed_alert) for alert in session.lt.pop_alerts()):
            return
    rig.fail("libtorrent did not write its cache within 30 s")


def elapsed():
    return time.monotonic() - STARTED


def connected_peers(torrent):
    return [
        {"endpoint": rig.endpoint_text(peer.ip), "utp": bool(peer.flags & rig.UTP_SOCKET)}
        for peer in torrent.get_peer_info()
    ]


if __name__ == "__main__":
    main()
