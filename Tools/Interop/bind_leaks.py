#!/usr/bin/env python3
"""Whether `--bind vpn0` holds: what leaves by the other interface while vpn0 flaps, moves, goes and comes again.

Three network namespaces of its own (root, ip and nft are needed): `near` has vpn0 and eth0x, `far` is behind vpn0 with
DHT nodes, a name server, HTTP, HTTPS and UDP trackers (bind_world.py), a seeder and a leecher, `other` is behind eth0x.
In `near` run `dhtnode run`, a `magnetget get` that fetches all the time, a `magnetget seed` that is fetched from all
the time, and now and then one-shot commands, all with `--bind vpn0` and names of hosts. Meanwhile the link goes down,
a better route leads to eth0x, vpn0 gets another address, is deleted and made again, and IPv6 appears on eth0x.

Packets of TCP, UDP and ICMP that leave by eth0x are counted by nftables and must be none; after each return the DHT,
the download and the upload must go on within --resume seconds. One JSON line for each event and {"event": "summary"} at
the end; exit code 1 on any breach, 2 where namespaces cannot be made. `--minutes 5` repeats it with random times from
--seed; `--short` does everything once, in some 40 s.
"""

import argparse
import json
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SERVICES = "10.70.0.53"
SERVICES_V6 = "fd70::53"
SEEDER, LEECHER = "10.70.2.1", "10.70.2.2"
NODES = [f"10.70.1.{number}" for number in range(1, 5)]
# Bytes a second: both transfers last for the whole run.
RATE = 200_000


def emit(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)


def run(*command, check=True):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stdout.strip()}")
    return done.stdout


class Network:
    """The namespaces, their cables and addresses."""

    def __init__(self, has_v6):
        self.has_v6 = has_v6
        tag = f"mb{os.getpid()}"
        self.near, self.far, self.other = f"{tag}n", f"{tag}f", f"{tag}o"
        self.last, self.gateway, self.better = 2, "10.50.0.1", False

    def ip(self, space, *arguments, check=True):
        return run("ip", "-n", space, *arguments, check=check)

    def open(self):
        for space in (self.near, self.far, self.other):
            run("ip", "netns", "add", space)
            self.ip(space, "link", "set", "lo", "up")
        # Every address of the services is the far side's own.
        self.ip(self.far, "route", "add", "local", "10.70.0.0/16", "dev", "lo")
        self.ip(self.far, "address", "add", SERVICES_V6 + "/128", "dev", "lo", "nodad")
        self.cable("eth0x", self.other, "10.60.0.2/24", "10.60.0.1/24")
        self.ip(self.near, "route", "add", "default", "via", "10.60.0.1", "dev", "eth0x")
        self.make_vpn()
        rules = """table inet leaks {
            counter elsewhere { }
            counter by_vpn { }
            chain out {
                type filter hook output priority 0; policy accept;
                oifname "eth0x" meta l4proto { tcp, udp, icmp } counter name elsewhere
                oifname "vpn0" meta l4proto { tcp, udp } counter name by_vpn
                oifname "vpn0" udp sport 6881 counter
            }
            chain in {
                type filter hook input priority 0; policy accept;
                iifname "vpn0" udp dport 6881 counter comment "dht"
            }
        }"""
        subprocess.run(
            ["ip", "netns", "exec", self.near, "nft", "-f", "-"], input=rules, text=True, check=True
        )

    def cable(self, device, space, near, far):
        # Made where they belong: the names exist on the machine outside too.
        self.ip(self.near, "link", "add", device, "type", "veth", "peer", "name", "up0", "netns", space)
        for end, name, address in ((self.near, device, near), (space, "up0", far)):
            self.ip(end, "address", "add", address, "dev", name)
            self.ip(end, "link", "set", name, "up")

    def make_vpn(self):
        self.cable("vpn0", self.far, f"10.50.0.{self.last}/24", self.gateway + "/24")
        self.route()

    def route(self):
        """What a VPN sets up when it is connected."""
        self.ip(self.near, "route", "replace", "10.70.0.0/16", "via", self.gateway, "dev", "vpn0", "metric", "100")
        if self.has_v6:
            # IPv6 addresses go when the link does.
            self.ip(self.far, "address", "replace", "fd50::1/64", "dev", "up0", "nodad")
            self.ip(self.near, "address", "replace", f"fd50::{self.last}/64", "dev", "vpn0", "nodad")
            self.ip(self.near, "-6", "route", "replace", "fd70::/16", "via", "fd50::1", "dev", "vpn0", "metric", "2000")

    def down(self):
        self.ip(self.near, "link", "set", "vpn0", "down")

    def up(self):
        self.ip(self.near, "link", "set", "vpn0", "up")
        self.route()

    def unplug(self):
        """The carrier goes, the interface stays up: a cable that is pulled."""
        self.ip(self.far, "link", "set", "up0", "down")

    def plug(self):
        self.ip(self.far, "link", "set", "up0", "up")
        self.route()

    def delete(self):
        self.ip(self.near, "link", "delete", "vpn0")

    def move(self):
        """Another address takes the place of the old one, as after a reconnection."""
        old, self.last = self.last, 5 - self.last
        self.ip(self.near, "address", "delete", f"10.50.0.{old}/24", "dev", "vpn0")
        self.ip(self.near, "address", "add", f"10.50.0.{self.last}/24", "dev", "vpn0")
        if self.has_v6:
            self.ip(self.near, "address", "delete", f"fd50::{old}/64", "dev", "vpn0")
        self.route()

    def prefer_other(self, on):
        change = "replace" if on else "delete"
        self.ip(
            self.near, "route", change, "10.70.0.0/16", "via", "10.60.0.1", "dev", "eth0x", "metric", "1", check=on
        )

    def offer_v6(self, on):
        if on:
            self.ip(self.other, "address", "replace", "fd60::1/64", "dev", "up0", "nodad")
            self.ip(self.near, "address", "replace", "fd60::2/64", "dev", "eth0x", "nodad")
            self.ip(self.near, "-6", "route", "replace", "default", "via", "fd60::1", "dev", "eth0x")
        else:
            self.ip(self.near, "address", "delete", "fd60::2/64", "dev", "eth0x", check=False)

    def counter(self, name):
        text = run("ip", "netns", "exec", self.near, "nft", "-j", "list", "counter", "inet", "leaks", name)
        return next(item["counter"]["packets"] for item in json.loads(text)["nftables"] if "counter" in item)

    def heard_by_dht(self):
        text = run("ip", "netns", "exec", self.near, "nft", "-j", "list", "chain", "inet", "leaks", "in")
        rule = next(item["rule"] for item in json.loads(text)["nftables"] if "rule" in item)
        return next(part["counter"]["packets"] for part in rule["expr"] if "counter" in part)

    def close(self):
        for space in (self.near, self.far, self.other):
            run("ip", "netns", "delete", space, check=False)
            shutil.rmtree(f"/etc/netns/{space}", ignore_errors=True)


def sniff(device):
    """Prints what leaves by a device, but for what the kernel says of its own accord (ARP, IPv6 discovery)."""
    packets = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
    packets.bind((device, 0))
    kinds = {1: "icmp", 6: "tcp", 17: "udp"}
    while True:
        packet, (_, protocol, direction, *_) = packets.recvfrom(2048)
        if direction != socket.PACKET_OUTGOING:
            continue
        if protocol == 0x0800 and packet[9] in kinds:
            start = 4 * (packet[0] & 15)
            source, target = socket.inet_ntoa(packet[12:16]), socket.inet_ntoa(packet[16:20])
            kind = kinds[packet[9]]
        elif protocol == 0x86DD and packet[6] in kinds:
            start, kind = 40, kinds[packet[6]]
            source, target = (socket.inet_ntop(socket.AF_INET6, packet[at : at + 16]) for at in (8, 24))
        else:
            continue
        ports = struct.unpack(">HH", packet[start : start + 4])
        flags = f" flags {packet[start + 13]:02x}" if kind == "tcp" else ""
        emit("leak", packet=f"{kind} {source}:{ports[0]} > {target}:{ports[1]}{flags}")


class Process:
    """One program in a namespace; its JSON lines are kept by event, its words in a file."""

    def __init__(self, space, name, command, folder, log=None):
        self.name, self.events, self.last, self.lines = name, [], {}, []
        environment = {
            **os.environ, "HOME": folder, "XDG_STATE_HOME": os.path.join(folder, name), "XDG_CONFIG_HOME": folder}
        self.log = open(os.path.join(folder, f"{name}.log"), "a+")
        self.child = subprocess.Popen(
            ["ip", "netns", "exec", space, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log,
            text=True, env=environment,
        )
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.child.stdout:
            try:
                event = json.loads(line)
            except ValueError:
                self.lines.append(line.strip())
                continue
            self.last[event.get("event")] = event
            if event.get("event") not in ("progress", "counts"):
                self.events.append(event)

    def words(self):
        self.log.flush()
        with open(self.log.name) as text:
            return text.read()

    def stop(self):
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
        try:
            self.child.wait(8)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()


class Trial:
    def __init__(self, options, folder):
        self.options, self.folder, self.network = options, folder, Network(options.v6)
        self.random, self.processes, self.resumed, self.breaches = random.Random(options.seed), [], [], []
        self.started = time.monotonic()

    # --- What runs

    def program(self, name):
        return os.path.join(self.options.bin, name)

    def start(self, space, name, command):
        process = Process(space, name, command, self.folder)
        self.processes.append(process)
        return process

    def torrent(self, name, size):
        data = os.path.join(self.folder, "data")
        os.makedirs(data, exist_ok=True)
        path = os.path.join(data, name)
        with open(path, "wb") as file:
            file.write(os.urandom(size))
        trackers = ["http://tracker.bind.test:8080/announce", "https://tracker.bind.test:8443/announce",
                    "udp://tracker.bind.test:6969"]
        torrent = os.path.join(self.folder, name + ".torrent")
        said = run(self.program("magnetget"), "create", path, "-o", torrent, "--piece-length", "65536",
                   *[part for url in trackers for part in ("--tracker", url)])
        self.up_hash = said.split("btih:")[1][:40]
        return torrent, data

    def write_settings(self):
        """A name server behind vpn0, and an authority of our own for HTTPS."""
        certificate = os.path.join(self.folder, "certificate.pem")
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=bind.test",
            "-addext", "subjectAltName=DNS:tracker.bind.test,DNS:moved.bind.test", "-keyout", certificate + ".key",
            "-out", certificate)
        settings = f"/etc/netns/{self.network.near}"
        os.makedirs(settings + "/ssl/certs", exist_ok=True)
        shutil.copy(certificate, settings + "/ssl/certs/ca-certificates.crt")
        for space in (self.network.near, self.network.far):
            os.makedirs(f"/etc/netns/{space}", exist_ok=True)
            with open(f"/etc/netns/{space}/resolv.conf", "w") as file:
                file.write(f"nameserver {SERVICES}\noptions timeout:1\n")
        with open(certificate + ".key") as key, open(certificate, "a") as both:
            both.write(key.read())
        return certificate

    def populate(self):
        network = self.network
        certificate = self.write_settings()
        self.world = self.start(
            network.far, "world",
            [sys.executable, os.path.join(HERE, "bind_world.py"), "--address", SERVICES, "--address6", SERVICES_V6,
             "--certificate", certificate])
        for number, node in enumerate(NODES):
            others = ["--bootstrap", NODES[0] + ":6881"] if number else []
            self.start(network.far, f"node{number}", [
                self.program("dhtnode"), "run", "--bind", node, "--network", "private", "--json", "--no-state",
                *others])
        size = RATE * (120 if self.options.short else int(90 * self.options.minutes) + 60)
        down, data = self.torrent("down", size)
        up, _ = self.torrent("up", size)
        self.start(network.far, "seeder", [
            self.program("magnetget"), "seed", down, data, "--bind", SEEDER, "--port", "7001", "--bootstrap",
            NODES[1] + ":6881", "--json", "--network", "private", "--no-state"])
        bind = ["--bind", "vpn0", "--bootstrap", "router.bind.test:6881", "--network", "private", "--no-state"]
        # The name of the router leads to the services; a node listens there too.
        self.start(network.far, "router", [
            self.program("dhtnode"), "run", "--bind", SERVICES, "--network", "private", "--json", "--no-state",
            "--bootstrap", NODES[0] + ":6881"])
        time.sleep(1)
        # The counters say how many packets there were, this says which.
        self.sniffer = self.start(
            network.near, "sniffer", [sys.executable, os.path.abspath(__file__), "--sniff", "eth0x"])
        # Without the rights of root, as its users run it.
        plain = ["setpriv", "--inh-caps=-all", "--bounding-set=-all", "--"]
        self.bind, self.plain, self.torrents = bind, plain, (down, up)
        self.dht = self.start(network.near, "dht", [*plain, self.program("dhtnode"), "run", "--json", "-v", *bind])
        self.seed = self.start(network.near, "seed", [
            *plain, self.program("magnetget"), "seed", up, data, "--port", "7000", "--json", "-v", *bind])
        self.get = self.start(network.near, "get", [
            *plain, self.program("magnetget"), down, "-o", os.path.join(self.folder, "got"), "--download-limit",
            str(RATE), "--json", "-v", *bind])
        self.leech = self.start(network.far, "leech", [
            self.program("magnetget"), up, "-o", os.path.join(self.folder, "taken"), "--bind", LEECHER, "--bootstrap",
            NODES[2] + ":6881", "--download-limit", str(RATE), "--json", "-v", "--network", "private", "--no-state"])

    # --- What is measured

    def signs(self):
        """Numbers that grow while the DHT, the download and the upload work."""
        done = [process.last.get("progress", {}).get("done_bytes", 0) for process in (self.get, self.leech)]
        return {"dht": self.network.heard_by_dht(), "get": done[0], "seed": done[1]}

    def await_signs(self, what, limit, names=("dht", "get", "seed")):
        """Waits until each has grown; returns the seconds that each took."""
        start, before, took = time.monotonic(), self.signs(), {}
        while len(took) < len(names) and time.monotonic() - start < limit:
            time.sleep(0.2)
            for name, value in self.signs().items():
                if name in names and name not in took and value > before[name]:
                    took[name] = round(time.monotonic() - start, 1)
        late = [name for name in names if name not in took]
        if late:
            self.breaches.append(f"{what}: {', '.join(late)} did not go on within {limit} s")
        return took

    def check_leaks(self, what):
        elsewhere = self.network.counter("elsewhere")
        known = sum(breach["packets"] for breach in self.breaches if isinstance(breach, dict))
        if elsewhere > known:
            self.breaches.append({"what": what, "packets": elsewhere - known})
        return elsewhere

    def step(self, what, away, back, seconds):
        """Something happens to vpn0, lasts for a while, and is over."""
        away()
        time.sleep(seconds)
        back()
        took = self.await_signs(what, self.options.resume)
        self.resumed.append((what, took))
        emit("step", what=what, seconds=round(seconds, 1), resumed=took, elsewhere=self.check_leaks(what))

    def one_shots(self, down=False):
        """Commands that end by themselves."""
        magnet, info_hash = "magnet:?xt=urn:btih:" + self.up_hash, self.up_hash
        commands = {
            "peers": ["dhtnode", "peers", info_hash, "--bootstrap-timeout", "5"],
            "ping": ["dhtnode", "ping", "router.bind.test:6881"],
            "meta": ["magnetget", "meta", magnet, "-o", tempfile.mkdtemp(dir=self.folder), "--timeout", "10"],
        }
        results = {}
        for name, (program, *arguments) in commands.items():
            router = ("--bootstrap", "router.bind.test:6881") if name == "ping" else ()
            bind = [part for part in self.bind if part not in router]
            child = Process(self.network.near, f"one-{name}", [
                *self.plain, self.program(program), *arguments, *bind], self.folder)
            try:
                child.child.wait(25)
            except subprocess.TimeoutExpired:
                self.breaches.append(f"{name} hangs")
            child.stop()
            results[name] = child.child.returncode
        wrong = [name for name, code in results.items() if (code == 0) == down]
        if wrong:
            self.breaches.append(f"one-shots{' while down' if down else ''}: {results}")
        emit("one_shots", down=down, codes=results, elsewhere=self.check_leaks("one-shots"))

    # --- The course of it

    def run(self):
        self.network.open()
        self.populate()
        took = self.await_signs("the start", 30)
        emit("started", seconds=took, elsewhere=self.check_leaks("the start"))
        if self.options.short:
            self.short()
        else:
            self.long()
        return self.end()

    def short(self):
        network = self.network
        network.offer_v6(True)
        network.prefer_other(True)
        self.one_shots()
        self.step("link down", network.down, network.up, 4)
        self.step("new address", network.move, lambda: None, 0)
        self.step("deleted", network.delete, network.make_vpn, 3)

    def long(self):
        network, end = self.network, time.monotonic() + 60 * self.options.minutes
        steps = [
            ("link down", network.down, network.up),
            ("no carrier", network.unplug, network.plug),
            ("deleted", network.delete, network.make_vpn),
            ("new address", network.move, lambda: None),
        ]
        number = 0
        while time.monotonic() < end:
            what, away, back = steps[number % len(steps)] if number < 4 else self.random.choice(steps)
            network.offer_v6(number % 3 != 0)
            network.prefer_other(number % 2 == 1)
            seconds = 0 if what == "new address" else self.random.choice([0.3, 1.5, 4, 8, 15, 25])
            self.step(what, away, back, seconds)
            if number % 5 == 2:
                self.one_shots()
            if number % 5 == 4:
                network.down()
                self.one_shots(down=True)
                network.up()
            time.sleep(self.random.uniform(0, 3))
            number += 1

    def end(self):
        for process in (self.get, self.seed, self.dht):
            process.stop()
        elsewhere = self.check_leaks("the end")
        counts = self.world.last.get("counts", {}).get("counts", {})
        for kind in ("dns", "http", "https", "udp"):
            if not counts.get(kind):
                self.breaches.append(f"nothing was asked by {kind}: nothing is proved")
        for process in (self.get, self.seed, self.dht):
            kinds = [event["event"] for event in process.events]
            if "bind_lost" not in kinds or "bind_returned" not in kinds:
                self.breaches.append(f"{process.name} did not say that vpn0 was down and back")
        slowest = {}
        for _, took in self.resumed:
            for name, seconds in took.items():
                slowest[name] = max(slowest.get(name, 0), seconds)
        emit("summary", seconds=round(time.monotonic() - self.started), steps=len(self.resumed), elsewhere=elsewhere,
             by_vpn=self.network.counter("by_vpn"), asked=counts, slowest=slowest,
             leaks=[event["packet"] for event in self.sniffer.events][:20], breaches=self.breaches)
        return not self.breaches

    def close(self):
        # A second signal must not leave namespaces behind.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        for process in reversed(self.processes):
            process.stop()
        if self.options.keep:
            emit("kept", folder=self.folder)
        self.network.close()


def may_make_networks():
    if os.geteuid() != 0 or not all(shutil.which(name) for name in ("ip", "nft", "openssl", "setpriv")):
        return False
    probe = f"mb{os.getpid()}p"
    made = subprocess.run(["ip", "netns", "add", probe], stderr=subprocess.DEVNULL).returncode == 0
    run("ip", "netns", "delete", probe, check=False)
    return made


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--short", action="store_true", help="everything once")
    parser.add_argument("--v6", action="store_true", help="vpn0 has an IPv6 address too")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--resume", type=float, default=10, help="seconds after which everything goes on")
    parser.add_argument("--bin", default=os.path.join(ROOT, ".build/release"), help="the folder of the two programs")
    parser.add_argument("--magnetget", help="the program; dhtnode is beside it")
    parser.add_argument("--sniff", help=argparse.SUPPRESS)
    parser.add_argument("--keep", action="store_true", help="keep the folder with all that was said")
    options = parser.parse_args()
    if options.sniff:
        sniff(options.sniff)
    if options.magnetget:
        options.bin = os.path.dirname(os.path.abspath(options.magnetget))
    if not may_make_networks():
        emit("error", message="needs root, ip, nft, openssl and setpriv to make network namespaces")
        sys.exit(2)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(143))
    folder = tempfile.mkdtemp(prefix="mainline-bind-")
    trial = Trial(options, folder)
    try:
        sys.exit(0 if trial.run() else 1)
    finally:
        trial.close()
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
