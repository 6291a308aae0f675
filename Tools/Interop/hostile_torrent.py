#!/usr/bin/env python3
"""Makes a torrent that wants to write where it must not, with payload that matches its hashes.

Writes OUTPUT/hostile.torrent and OUTPUT/payload/, ready for `seeder.py --torrent OUTPUT/hostile.torrent --save-path
OUTPUT/payload`. libtorrent seeds it under paths that it made safe itself; the infohash covers what the network is
told. Prints {"event": "made", "torrent", "save_path", "kind", "paths", "sizes", "sha1"}.
"""

import argparse
import hashlib
import os
import random
import warnings

import libtorrent as lt

import rig

PIECE_LENGTH = 16 * 1024

# kind -> name of the torrent and the paths of its files; None: a single file of that name.
KINDS = {
    "parent": ("hostile", [[b"..", b"..", b"evil"], [b"good"]]),
    "name-parent": ("..", [[b"evil"], [b"good"]]),
    "single-parent": ("../../evil", None),
    "absolute": ("hostile", [[b"/tmp/mainline-evil"], [b"", b"tmp", b"mainline-evil"], [b"good"]]),
    "separator": ("hostile", [[b"../../evil"], [b"a/b"], [b"good"]]),
    "empty": ("hostile", [[b""], [b"", b""], [b".", b"here"], [b"good"]]),
    "long": ("hostile", [[b"x" * 300], [b"d"] * 40 + [b"deep"], [b"good"]]),
    "control": ("hostile", [[b"line\nfeed"], [b"\x1b[31mred"], [b"nul\x00byte"], [b"not utf-8 \xff\xfe"], [b"good"]]),
    "clash": ("hostile", [[b"same"], [b"same", b"under-a-file"], [b"SAME"], [b"same"], [b"good"]]),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kind", choices=sorted(KINDS), default="parent")
    parser.add_argument("--output", "-o", required=True)
    options = parser.parse_args()
    name, paths = KINDS[options.kind]
    generator = random.Random(options.kind)
    contents = [generator.randbytes(generator.randint(1000, 50_000)) for _ in paths or [None]]
    encoded = lt.bencode({b"info": info_dictionary(name.encode(), paths, contents)})

    os.makedirs(options.output, exist_ok=True)
    torrent = os.path.join(options.output, "hostile.torrent")
    with open(torrent, "wb") as file:
        file.write(encoded)
    payload = os.path.join(options.output, "payload")
    write_payload(lt.torrent_info(torrent), payload, b"".join(contents))
    rig.emit(
        "made",
        kind=options.kind,
        torrent=torrent,
        save_path=payload,
        paths=[[part.decode(errors="replace") for part in path] for path in paths or [[name.encode()]]],
        sizes=[len(content) for content in contents],
        sha1=[hashlib.sha1(content).hexdigest() for content in contents],
    )


def info_dictionary(name, paths, contents):
    stream = b"".join(contents)
    info = {
        b"name": name,
        b"piece length": PIECE_LENGTH,
        b"pieces": b"".join(
            hashlib.sha1(stream[start : start + PIECE_LENGTH]).digest() for start in range(0, len(stream), PIECE_LENGTH)
        ),
    }
    if paths is None:
        info[b"length"] = len(stream)
    else:
        info[b"files"] = [{b"length": len(c), b"path": path} for c, path in zip(contents, paths)]
    return info


def write_payload(info, folder, stream):
    """The payload at the paths where libtorrent, having made them safe, will look for it."""
    with warnings.catch_warnings():
        # Deprecated, but only this face tells the names after clashes are resolved, as the seeder will use them.
        warnings.simplefilter("ignore")
        layout = info.files()
    for index in range(layout.num_files()):
        path = os.path.realpath(os.path.join(folder, layout.file_path(index)))
        if not path.startswith(os.path.realpath(folder) + os.sep):
            rig.fail(f"libtorrent itself would write to {path}")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        start = layout.file_offset(index)
        with open(path, "wb") as file:
            file.write(stream[start : start + layout.file_size(index)])


if __name__ == "__main__":
    main()
