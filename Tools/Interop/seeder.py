#!/usr/bin/env python3
"""Seeds a file, a folder or a .torrent with libtorrent's default settings.

Prints {"event": "ready", "magnet", "info_hash", "endpoint", ...}, then, with --bootstrap, {"event": "announced"} once a
get_peers through the DHT returns this seeder, and at the end {"event": "stopped", "reason", "uploaded_bytes"}.
With --quit-after it stops serving after that many bytes of payload, or that fraction of the whole. Commands on stdin:

    status      {"event": "status", "uploaded_bytes", "peers": [{"endpoint", "client", "utp", ...}]}
    pieces      {"event": "pieces", "pieces"}: those that blocks were sent of since this was last asked
    stop        also SIGTERM, SIGINT and the end of stdin
"""

import argparse
import os
import resource
import time

import libtorrent as lt

import rig

# libtorrent looks a torrent up again only after 15 minutes; a short-lived network wants it sooner.
ANNOUNCE_INTERVAL = 5


def main():
    options = parse()
    commands = rig.Commands()
    settings = {**(rig.NO_UTP if options.no_utp else {}), **rig.encryption(options.encryption), "enable_lsd": options.lsd}
    settings["alert_mask"] = lt.alert.category_t.upload_notification if options.note_pieces else 0
    session = rig.Session(options.address, settings, options.bootstrap, options.port)
    info, save_path = make_torrent(options)
    torrent = add_torrent(session, info, save_path, options.upload_limit)
    rig.emit("ready", **describe(info, session))
    serve(session, torrent, info, options, commands)


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--file", help="file or folder to seed")
    source.add_argument("--torrent", help=".torrent to seed, its payload in --save-path")
    parser.add_argument("--save-path", default=".")
    parser.add_argument("--save-torrent", help="write the .torrent here")
    parser.add_argument("--piece-length", type=int, default=256 * 1024)
    parser.add_argument("--address", default=rig.loopback_prefix() + ".200")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--bootstrap", action="append", default=[], help="HOST:PORT of a DHT node; repeatable")
    parser.add_argument("--peer", action="append", default=[], help="HOST:PORT of a peer to connect to; repeatable")
    parser.add_argument("--tracker", action="append", default=[], help="URL; repeatable")
    parser.add_argument("--encryption", default="default", help="off; rc4 or plaintext, behind hidden handshakes; default: any")
    parser.add_argument("--private", action="store_true", help="BEP 27")
    parser.add_argument("--no-utp", action="store_true")
    parser.add_argument("--note-pieces", action="store_true", help="for the command `pieces`")
    parser.add_argument("--lsd", action="store_true", help="local service discovery, in a namespace of its own")
    parser.add_argument("--upload-limit", type=int, help="bytes per second")
    parser.add_argument("--quit-after", type=float, help="bytes, or up to 1.0 a fraction of the payload")
    parser.add_argument("--lifetime", type=float, default=3600, help="seconds until it ends by itself")
    return parser.parse_args()


def add_torrent(session, info, save_path, upload_limit=None):
    """Said to be complete: a gigabyte of payload need not be hashed again."""
    parameters = lt.add_torrent_params()
    parameters.ti = info
    parameters.save_path = save_path
    parameters.flags |= lt.torrent_flags.seed_mode | lt.torrent_flags.upload_mode
    parameters.flags &= ~(lt.torrent_flags.paused | lt.torrent_flags.auto_managed)
    if upload_limit:
        parameters.upload_limit = upload_limit
    return session.lt.add_torrent(parameters)


def make_torrent(options):
    """The torrent and the folder where its payload lies."""
    if options.torrent:
        return lt.torrent_info(options.torrent), options.save_path
    path = os.path.abspath(options.file)
    # v1 only: magnetget does not do BEP 52 yet, and a hybrid would pad files.
    creator = lt.create_torrent(lt.list_files(path), options.piece_length, lt.create_torrent.v1_only)
    for tier, url in enumerate(options.tracker):
        creator.add_tracker(url, tier)
    creator.set_priv(options.private)
    lt.set_piece_hashes(creator, os.path.dirname(path))
    encoded = lt.bencode(creator.generate())
    if options.save_torrent:
        with open(options.save_torrent, "wb") as file:
            file.write(encoded)
    return lt.torrent_info(lt.bdecode(encoded)), os.path.dirname(path)


def describe(info, session):
    return {
        # Only the infohash: whoever takes this has to find us.
        "magnet": f"magnet:?xt=urn:btih:{info.info_hash()}",
        "info_hash": str(info.info_hash()),
        "endpoint": session.endpoint,
        "node_id": session.dht_state()[0],
        "name": info.name(),
        "size": info.total_size(),
        "piece_length": info.piece_length(),
        "pieces": info.num_pieces(),
        "files": info.num_files(),
    }


def serve(session, torrent, info, options, commands):
    quota = options.quit_after
    if quota is not None and quota <= 1:
        quota *= info.total_size()
    started, announced_at, announced = time.monotonic(), -ANNOUNCE_INTERVAL, not options.bootstrap
    reason, sent = "lifetime", set()
    for peer in options.peer:
        torrent.connect_peer(rig.parse_endpoint(peer))
    while time.monotonic() - started < options.lifetime:
        # A quota wants a short step: at 400 MB/s 10 ms are 4 MB.
        words = commands.next(timeout=0.002 if quota else 0.05)
        uploaded = torrent.status().total_payload_upload
        if words == ["stop"]:
            reason = "stopped"
            break
        if words == ["status"]:
            rig.emit("status", uploaded_bytes=uploaded, peers=[describe_peer(p) for p in torrent.get_peer_info()])
        if words == ["pieces"]:
            rig.emit("pieces", pieces=sorted(sent))
            sent = set()
        if quota is not None and uploaded >= quota:
            reason = "quota"
            break
        if options.bootstrap and time.monotonic() - announced_at > (ANNOUNCE_INTERVAL if announced else 0.5):
            torrent.force_dht_announce()
            if not announced:
                session.lt.dht_get_peers(info.info_hash())
            announced_at = time.monotonic()
        for alert in session.lt.pop_alerts():
            if isinstance(alert, lt.block_uploaded_alert):
                sent.add(alert.piece_index)
            if not announced and isinstance(alert, lt.dht_get_peers_reply_alert):
                if session.endpoint in map(rig.endpoint_text, alert.peers()):
                    announced = True
                    rig.emit("announced", seconds=round(time.monotonic() - started, 3))
    leave(reason=reason, uploaded_bytes=torrent.status().total_payload_upload)


def leave(**fields):
    """Closing politely takes libtorrent seconds; a seeder that is gone is gone."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    rig.emit("stopped", **fields, cpu_seconds=round(usage.ru_utime + usage.ru_stime, 3))
    os._exit(0)


def describe_peer(peer):
    return {
        "endpoint": rig.endpoint_text(peer.ip),
        "client": peer.client.decode(errors="replace") if isinstance(peer.client, bytes) else peer.client,
        "utp": bool(peer.flags & rig.UTP_SOCKET),
        "downloaded": peer.total_download,
        "uploaded": peer.total_upload,
    }


if __name__ == "__main__":
    main()
