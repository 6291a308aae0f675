#!/usr/bin/env python3
"""Many small files: magnetget beside libtorrent, from the same libtorrent seeder, until a `sync` behind it is done.

Makes the files once, has `magnetget create` make the torrent, and then lets the clients take turns, each into a fresh
folder, with the soft limit of open files at --nofile. Prints medians; each run is a line of --output.

    small_files.py --folder /tmp/small --magnetget .build/release/magnetget --output results/small_files.jsonl
"""

import argparse
import json
import os
import pathlib
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

INTEROP = pathlib.Path(__file__).resolve().parent.parent / "Interop"
RIVAL = """
import sys, time, libtorrent as lt
torrent, target, address, peer = sys.argv[1:]
settings = {"listen_interfaces": address + ":0", "enable_dht": False, "enable_lsd": False, "enable_upnp": False,
            "enable_natpmp": False, "enable_outgoing_utp": False}
session = lt.session(settings)
parameters = lt.add_torrent_params()
parameters.ti = lt.torrent_info(torrent)
parameters.save_path = target
handle = session.add_torrent(parameters)
host, port = peer.rsplit(":", 1)
handle.connect_peer((host, int(port)))
while not handle.status().is_seeding:
    time.sleep(0.005)
# What is in its own buffers has to be with the system before it is compared with others.
session.pause()
handle.flush_cache()
del handle, session
"""


def main():
    options = parse()
    folder = pathlib.Path(options.folder).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    make_files(folder / "source" / "files", options.files)
    torrent = folder / "files.torrent"
    if not torrent.exists():
        subprocess.run([options.magnetget, "create", folder / "source" / "files", "-o", torrent, "-q"], check=True,
                       stdout=subprocess.DEVNULL)
    prefix = f"127.{random.randint(20, 250)}.{random.randint(0, 255)}"
    seeder, endpoint = start_seeder(torrent, folder / "source", prefix + ".1", options.python)
    results = []
    try:
        for turn in range(options.runs):
            clients = ["magnetget", "libtorrent"]
            for client in clients if turn % 2 == 0 else reversed(clients):
                result = measure(client, options, torrent, folder, prefix, endpoint)
                results.append({"turn": turn, **result})
                print(json.dumps(results[-1]), file=sys.stderr)
                if options.output:
                    with open(options.output, "a") as lines:
                        lines.write(json.dumps(results[-1]) + "\n")
    finally:
        seeder.stdin.close()
        seeder.wait(20)
        for target in folder.glob("target-*"):
            shutil.rmtree(target, ignore_errors=True)
    for client in ("magnetget", "libtorrent"):
        mine = [result for result in results if result["client"] == client]
        medians = {key: round(statistics.median(result[key] for result in mine), 3)
                   for key in ("done_seconds", "synced_seconds", "cpu_seconds")}
        print(client, medians)


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", required=True, help="where everything goes: on the disk that is to be measured")
    parser.add_argument("--magnetget", default=".build/release/magnetget")
    parser.add_argument("--python", default=os.environ.get("MAINLINE_PYTHON", sys.executable), help="one with libtorrent")
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=5, help="of each client")
    parser.add_argument("--nofile", type=int, default=256)
    parser.add_argument("--output", help="append a line for each run")
    return parser.parse_args()


def make_files(folder, count):
    """Files of 1 to 20 KiB in folders of 200; the same ones each time."""
    if folder.exists():
        return
    generator = random.Random(1)
    for number in range(count):
        path = folder / f"{number // 200:04}" / f"{number:06}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(generator.randbytes(generator.randint(1 << 10, 20 << 10)))


def start_seeder(torrent, source, address, python):
    command = [python, INTEROP / "seeder.py", "--torrent", torrent, "--save-path", source, "--address", address]
    seeder = subprocess.Popen([str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    for line in seeder.stdout:
        event = json.loads(line)
        if event["event"] == "ready":
            return seeder, event["endpoint"]
    raise SystemExit("the seeder has not started")


def measure(client, options, torrent, folder, prefix, endpoint):
    # Left until the end: ext4 does not use inodes again that were deleted within seconds, and looks at each of them.
    target = pathlib.Path(tempfile.mkdtemp(prefix="target-", dir=folder))
    os.sync()
    address = prefix + ".2"
    if client == "magnetget":
        command = [options.magnetget, torrent, "-o", target, "--peer", endpoint, "--bind", address, "--no-dht",
                   "--no-state", "--network", "private", "-q"]
    else:
        command = [options.python, "-W", "ignore", "-c", RIVAL, torrent, target, address, endpoint]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    run = subprocess.run([str(part) for part in command], stdout=subprocess.DEVNULL, timeout=600,
                         preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (options.nofile,) * 2))
    done = time.monotonic() - start
    os.sync()
    synced = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    count = sum(len(files) for path, _, files in os.walk(target / "files"))
    return {"client": client, "code": run.returncode, "files": count, "done_seconds": round(done, 3),
            "synced_seconds": round(synced, 3), "nofile": options.nofile,
            "cpu_seconds": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 3)}


if __name__ == "__main__":
    main()
