#!/usr/bin/env python3
"""Every client with magnetget, both ways, in plaintext and encrypted, with a real opentracker and nothing else.

Runs itself in a network namespace without a way out, so it needs root. Each pair has addresses of 44/8 of its own, which
look public, as transmission and rtorrent want. One JSON line for each pair: `client`, `direction` ("from" it, "to" it),
`ours` and `theirs` (what each does about encryption), `ok`, `seconds`, and `note` when it failed. docs/interop.md has
the table.
"""

import argparse
import filecmp
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

import wire

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
# What each side does about encryption, and whether the two go together.
POLICIES = [("prefer", "plain"), ("prefer", "required"), ("require", "allowed"), ("off", "plain")]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", help="raw JSON lines are appended here")
    parser.add_argument("--clients", default="libtorrent,aria2,transmission,rtorrent")
    parser.add_argument("--bytes", type=int, default=8_000_000)
    parser.add_argument("--timeout", type=float, default=60)
    options = parser.parse_args()
    wire.enter()
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["ip", "route", "add", "local", "44.0.0.0/8", "dev", "lo"], check=True)
    raw = open(options.output, "a") if options.output else None
    failed = 0
    for name in options.clients.split(","):
        client = CLIENTS[name]
        if not client.is_here():
            line = {"client": name, "skipped": "not on this machine"}
            print(json.dumps(line), flush=True)
            continue
        for direction in ["from", "to"]:
            for ours, theirs in POLICIES:
                line = pair(client, name, direction, ours, theirs, options)
                failed += not line["ok"]
                print(json.dumps(line), flush=True)
                if raw:
                    print(json.dumps(line), file=raw, flush=True)
    sys.exit(1 if failed else 0)


def pair(client, name, direction, ours, theirs, options):
    """One download, by us from the client or by the client from us."""
    line = {"client": name, "version": client.version(), "direction": direction, "ours": ours, "theirs": theirs}
    with tempfile.TemporaryDirectory(prefix="mainline-matrix-") as work:
        os.chmod(work, 0o755)
        lab = Lab(work, options)
        try:
            started = time.monotonic()
            (client.seed if direction == "from" else client.fetch)(lab, theirs)
            # Who calls us in plaintext when we refuse that comes back late or never: so we are the ones who call.
            time.sleep(2 if ours == "require" else 0)
            lab.magnetget("get" if direction == "from" else "seed", ours)
            ok = lab.wait()
            line |= {"ok": ok, "seconds": round(time.monotonic() - started, 2)}
            if not ok:
                line["note"] = lab.last_words()
        finally:
            lab.close()
    return line


class Lab:
    """A torrent, its tracker, and whatever was started; all of it ends with `close`."""

    serial = 0

    def __init__(self, work, options):
        self.work, self.options, self.running = work, options, []
        Lab.serial += 1
        self.prefix = f"44.{Lab.serial // 200 + 1}.{Lab.serial % 200}"
        os.makedirs(self.path("seed"))
        os.makedirs(self.path("fetched"))
        with open(self.path("seed/file.bin"), "wb") as file:
            file.write(os.urandom(options.bytes))
        self.infohash = self.make_torrent()
        self.start_tracker()

    def path(self, name):
        return os.path.join(self.work, name)

    def address(self, host):
        return f"{self.prefix}.{host}"

    @property
    def announce(self):
        return f"http://{self.address(9)}:6969/announce"

    def make_torrent(self):
        import libtorrent as lt

        creator = lt.create_torrent(lt.list_files(self.path("seed/file.bin")), 65536, lt.create_torrent.v1_only)
        creator.add_tracker(self.announce)
        lt.set_piece_hashes(creator, self.path("seed"))
        encoded = lt.bencode(creator.generate())
        with open(self.path("file.torrent"), "wb") as file:
            file.write(encoded)
        return str(lt.torrent_info(lt.bdecode(encoded)).info_hash())

    def start_tracker(self):
        home = self.path("tracker")
        os.makedirs(home)
        with open(home + "/white", "w") as file:
            file.write(self.infohash + "\n")
        peers = os.path.join(ROOT, ".build-peers")
        address = self.address(9)
        command = [f"{peers}/usr/bin/opentracker", "-i", address, "-p", "6969", "-P", "6969", "-d", home, "-w", "white"]
        self.start(command, env={"LD_LIBRARY_PATH": f"{peers}/usr/lib"})
        time.sleep(0.3)

    def start(self, command, env=None, cwd=None):
        log = open(self.path(f"log-{len(self.running)}-{os.path.basename(command[0])}"), "wb")
        environment = {**os.environ, "HOME": self.work, "XDG_CONFIG_HOME": self.work, "XDG_STATE_HOME": self.work}
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=log, stderr=log, env={**environment, **(env or {})}, cwd=cwd
        )
        self.running.append((process, log.name))
        return process

    def magnetget(self, verb, policy):
        program = os.path.join(ROOT, ".build", "release", "magnetget")
        command = [program, self.path("file.torrent"), "--no-dht", "--bind", self.address(1), "--no-state"]
        command += ["--encryption", policy, "-v", "-o", self.path("seed" if verb == "seed" else "fetched")]
        return self.start(command + (["--seed"] if verb == "seed" else []))

    def wait(self):
        """Whether the file is there and right in time."""
        deadline = time.monotonic() + self.options.timeout
        target = self.path("fetched/file.bin")
        while time.monotonic() < deadline:
            if os.path.exists(target) and filecmp.cmp(target, self.path("seed/file.bin"), shallow=False):
                return True
            time.sleep(0.1)
        return False

    def last_words(self):
        words = []
        for _, log in self.running[1:]:
            with open(log, errors="replace") as file:
                words.append(f"{os.path.basename(log)}: {file.read()[-400:]}")
        return words

    def close(self):
        for process, _ in reversed(self.running):
            process.terminate()
        for process, _ in self.running:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class Libtorrent:
    """Policies: in and out, levels of encryption."""

    SETTINGS = {"plain": "off", "allowed": "default", "required": "rc4"}

    def is_here(self):
        return True

    def version(self):
        import libtorrent as lt

        return lt.__version__

    def seed(self, lab, policy):
        lab.start(
            [sys.executable, f"{HERE}/seeder.py", "--torrent", lab.path("file.torrent"), "--save-path", lab.path("seed")]
            + ["--address", lab.address(2), "--encryption", self.SETTINGS[policy]]
        )

    def fetch(self, lab, policy):
        magnet = f"magnet:?xt=urn:btih:{lab.infohash}&tr={lab.announce}"
        return lab.start(
            [sys.executable, f"{HERE}/downloader.py", magnet, "-o", lab.path("fetched"), "--seed-seconds", "60"]
            + ["--address", lab.address(2), "--encryption", self.SETTINGS[policy]]
        )


class Aria2:
    FLAGS = {
        "plain": [],
        "allowed": [],
        "required": ["--bt-require-crypto=true", "--bt-min-crypto-level=arc4"],
    }

    def is_here(self):
        return shutil.which("aria2c") is not None

    def version(self):
        return subprocess.run(["aria2c", "--version"], capture_output=True, text=True).stdout.split()[2]

    def run(self, lab, policy, folder, *more):
        return lab.start(
            ["aria2c", lab.path("file.torrent"), "-d", folder, f"--interface={lab.address(2)}", "--listen-port=6881"]
            + ["--enable-dht=false", "--bt-enable-lpd=false", "--no-conf=true", "--seed-ratio=0.0"]
            + [*self.FLAGS[policy], *more]
        )

    def seed(self, lab, policy):
        self.run(lab, policy, lab.path("seed"), "--bt-seed-unverified=true")

    def fetch(self, lab, policy):
        return self.run(lab, policy, lab.path("fetched"))


class Transmission:
    FLAGS = {"plain": "-et", "allowed": "-ep", "required": "-er"}

    def is_here(self):
        return shutil.which("transmission-cli") is not None

    def version(self):
        words = subprocess.run(["transmission-cli", "--version"], capture_output=True, text=True)
        return (words.stdout + words.stderr).split()[1]

    def run(self, lab, policy, folder):
        home = lab.path("transmission")
        os.makedirs(home)
        settings = {"bind-address-ipv4": lab.address(2), "lpd-enabled": False, "dht-enabled": False, "utp-enabled": False}
        with open(home + "/settings.json", "w") as file:
            json.dump(settings, file)
        return lab.start(
            ["transmission-cli", "-g", home, "-w", folder, "-M", "-p", "6881", self.FLAGS[policy], lab.path("file.torrent")]
        )

    def seed(self, lab, policy):
        self.run(lab, policy, lab.path("seed"))

    def fetch(self, lab, policy):
        return self.run(lab, policy, lab.path("fetched"))


class RTorrent:
    FLAGS = {"plain": "none", "allowed": "allow_incoming,try_outgoing,enable_retry", "required": "require,require_RC4"}

    def is_here(self):
        return shutil.which("rtorrent") is not None

    def version(self):
        return subprocess.run(["rtorrent", "-h"], capture_output=True, text=True).stdout.split()[4].rstrip(".")

    def run(self, lab, policy, folder):
        home = lab.path("rtorrent")
        os.makedirs(home)
        lines = [
            "system.daemon.set = true",
            f"directory.default.set = {folder}",
            f"session.path.set = {home}",
            f"network.bind_address.set = {lab.address(2)}",
            "network.port_range.set = 6881-6881",
            "dht.mode.set = disable",
            "protocol.pex.set = no",
            f"protocol.encryption.set = {self.FLAGS[policy]}",
            f"load.start = {lab.path('file.torrent')}",
        ]
        with open(home + "/rc", "w") as file:
            file.write("\n".join(lines) + "\n")
        return lab.start(["rtorrent", "-n", "-o", f"import={home}/rc"], cwd=home, env={"TERM": "dumb"})

    def seed(self, lab, policy):
        self.run(lab, policy, lab.path("seed"))

    def fetch(self, lab, policy):
        return self.run(lab, policy, lab.path("fetched"))


CLIENTS = {"libtorrent": Libtorrent(), "aria2": Aria2(), "transmission": Transmission(), "rtorrent": RTorrent()}

if __name__ == "__main__":
    main()
