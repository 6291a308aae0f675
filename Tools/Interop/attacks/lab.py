"""Where an attack runs: a network namespace without a way out, addresses, processes, and what the victim costs.

The whole rig runs in a namespace of its own. All addresses of `127.0.0.0/8`, of some networks that look public and of
one IPv6 network are local there, so that every process binds the address it likes and no packet leaves.
"""

import asyncio
import collections
import ctypes
import json
import logging
import multiprocessing
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback

NAMESPACE = "MAINLINE_ATTACKS"
# First octets that look public; each is local in the namespace.
PUBLIC = [9, 20, 23, 31, 45, 62, 77, 81, 92, 109, 151, 178, 188, 194, 203, 213]
PUBLIC_V6 = "2a01:e0a"
TICK = os.sysconf("SC_CLK_TCK")
VICTIM_PORT = 6881


def enter_namespace(*more):
    """Runs the program again in a network namespace of its own, and makes all addresses of the rig local there."""
    if os.environ.get(NAMESPACE) != "1":
        os.environ[NAMESPACE] = "1"
        rights = [] if os.getuid() == 0 else ["--map-root-user"]
        os.execvp("unshare", ["unshare", "--net", *more, *rights, sys.executable, *sys.orig_argv[1:]])
    with open("/proc/net/route") as routes:
        if any(line.split()[1] == "00000000" for line in list(routes)[1:]):
            sys.exit("this network namespace has a way out: it is not one of the rig's")
    commands = ["link set lo up mtu 1500", "-6 route add local 2a01::/16 dev lo"]
    commands += [f"route add local {octet}.0.0.0/8 dev lo" for octet in PUBLIC]
    for command in commands:
        subprocess.run(["ip", *command.split()], check=False, stderr=subprocess.DEVNULL)
    # Many connections that come and go: no time is spent waiting for old ones.
    settings = {"net/ipv4/tcp_max_syn_backlog": 8192, "net/core/somaxconn": 8192, "net/ipv4/tcp_tw_reuse": 1}
    settings |= {"net/ipv6/ip_nonlocal_bind": 1}
    for name, value in settings.items():
        try:
            with open(f"/proc/sys/{name}", "w") as file:
                file.write(str(value))
        except OSError:
            pass
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536), hard))


def die_with_parent():
    """The kernel ends this process when the rig is gone (prctl PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def set_nice(value):
    try:
        os.setpriority(os.PRIO_PROCESS, 0, value)
    except PermissionError:
        pass


class Child:
    """An asyncio program of the rig in a process of its own; `counts` are there when it has ended."""

    def __init__(self, function, *arguments, nice=0, cpu=None, **more):
        self.receiver, sender = multiprocessing.Pipe(duplex=False)
        context = multiprocessing.get_context("fork")
        self.process = context.Process(target=self.run, args=(sender, function, arguments, more, nice, cpu))
        self.process.start()
        sender.close()
        self.counts = None

    @staticmethod
    def run(sender, function, arguments, more, nice, cpu):
        die_with_parent()
        set_nice(nice)
        if cpu is not None:
            os.sched_setaffinity(0, {cpu})
        counts = collections.Counter()
        logging.getLogger("asyncio").setLevel(logging.CRITICAL)

        async def main():
            loop = asyncio.get_running_loop()
            loop.set_exception_handler(lambda *_: None)
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, asyncio.current_task().cancel)
            try:
                return await function(counts, *arguments, **more) or {}
            except asyncio.CancelledError:
                return {}

        try:
            result = run_loop(main())
            sender.send({**counts, **result})
        except Exception as error:  # A fault of the rig: it must be seen.
            sender.send({**counts, "rig_error": f"{error!r} {traceback.format_exc()[-800:]}"})
        os._exit(0)

    def wait(self, limit):
        """What it counted, once it has ended by itself or the time is over."""
        if self.counts is None and self.receiver.poll(limit):
            self.receive()
        return self.counts

    def receive(self):
        try:
            self.counts = self.receiver.recv()
        except EOFError:
            self.counts = {}

    def stop(self):
        if self.counts is None:
            self.process.terminate()
            if self.receiver.poll(5):
                self.receive()
            else:
                self.process.kill()
                self.counts = {}
        self.process.join(2)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        return self.counts


def run_loop(main):
    """As `asyncio.run`, without waiting for thousands of tasks at the end."""
    loop = asyncio.new_event_loop()
    return loop.run_until_complete(main)


class Program:
    """One of our programs: its events with their times, its CPU time and its memory."""

    def __init__(self, command, folder, nice=-5, limits=None, binary=False, environment=None):
        def prepare():
            die_with_parent()
            set_nice(nice)
            if limits:
                resource.setrlimit(resource.RLIMIT_NOFILE, (limits, limits))

        self.begun = time.monotonic()
        self.errors = open(os.path.join(folder, f"stderr-{time.monotonic_ns()}"), "w+b")
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            preexec_fn=prepare,
            env={**os.environ, **(environment or {})},
        )
        self.events, self.changed = [], threading.Condition()
        self.cpu = 0.0
        self.peak = self.resident = 0
        self.ended_at = self.first_byte_at = None
        self.byte_count = 0
        self.readers = [threading.Thread(target=self.read_bytes if binary else self.read, daemon=True)]
        self.readers.append(threading.Thread(target=self.sample_on, daemon=True))
        for reader in self.readers:
            reader.start()

    def read(self):
        for line in self.process.stdout:
            if line.startswith(b"{"):
                with self.changed:
                    self.events.append((time.monotonic(), json.loads(line)))
                    self.changed.notify_all()
        self.end_reading()

    def read_bytes(self):
        while data := self.process.stdout.read1(1 << 20):
            self.first_byte_at = self.first_byte_at or time.monotonic()
            self.byte_count += len(data)
        self.end_reading()

    def end_reading(self):
        with self.changed:
            self.ended_at = time.monotonic()
            self.changed.notify_all()

    def sample_on(self):
        while self.sample():
            time.sleep(0.03)

    def sample(self):
        try:
            with open(f"/proc/{self.process.pid}/stat") as stat:
                fields = stat.read().rpartition(")")[2].split()
            if fields[0] == "Z":
                self.cpu = max(self.cpu, (int(fields[11]) + int(fields[12])) / TICK)
                return False
            self.cpu = (int(fields[11]) + int(fields[12])) / TICK
            with open(f"/proc/{self.process.pid}/status") as status:
                values = dict(line.split(":", 1) for line in status if line.startswith(("VmHWM", "VmRSS")))
            self.peak = max(self.peak, int(values["VmHWM"].split()[0]) * 1024)
            self.resident = int(values["VmRSS"].split()[0]) * 1024
            return True
        except (FileNotFoundError, ProcessLookupError, KeyError):
            return False

    def wait_for(self, name, limit):
        """When the event came and what it said, or None when the time is over or the program has ended."""
        deadline, seen = time.monotonic() + limit, 0
        with self.changed:
            while True:
                for at, event in self.events[seen:]:
                    if event.get("event") == name:
                        return at, event
                seen = len(self.events)
                left = deadline - time.monotonic()
                if left <= 0 or self.ended_at:
                    return None
                self.changed.wait(min(left, 1))

    def wait(self, limit):
        """The exit code, or None when it still runs."""
        try:
            return self.process.wait(limit)
        except subprocess.TimeoutExpired:
            return None

    def stop(self):
        """Ends it: politely, and after three seconds not."""
        if self.process.poll() is None:
            self.process.terminate()
            if self.wait(3) is None:
                self.process.kill()
        self.process.wait()
        return self.process.returncode

    def complaints(self, count=3):
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace").strip().splitlines()[-count:]

    def text(self):
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace")


class Lab:
    """One run: its folder, its addresses, what was started in it."""

    def __init__(self, options, network, layout, strength):
        self.options, self.network, self.layout, self.strength = options, network, layout, strength
        self.work = tempfile.mkdtemp(prefix="attack-", dir=options.work)
        self.started, self.children, self.attacking = [], [], []
        self.cpus = sorted(os.sched_getaffinity(0))

    # MARK: addresses

    def address(self, number):
        """Of a host of ours, each in a /16 of its own: 1 is the victim's, the honest ones follow."""
        return f"127.{number}.1.1" if self.network == "private" else f"9.{number}.1.1"

    def attacker(self, number, layout=None):
        """Of an attacker: all on one host, or each in a /24 of its own, and in a /16 as long as there are such."""
        if (layout or self.layout) == "one":
            number = 0
        if self.network == "private":
            return f"127.{50 + number % 200}.{number // 200 + 3}.7"
        return f"{PUBLIC[1 + number % 15]}.{1 + number // 15 % 250}.{3 + number // 3750}.7"

    def attackers(self, count, first_port=7000):
        """Endpoints: one address with many ports, or many addresses."""
        return [(self.attacker(i), first_port + i) for i in range(count)]

    @property
    def victim(self):
        return self.address(1), VICTIM_PORT

    # MARK: processes

    def spawn(self, function, *arguments, **more):
        """A peer of ours, which may have the processor when it wants it."""
        child = Child(function, *arguments, nice=-5, **more)
        self.started.append(child)
        self.children.append(child)
        return child

    def spawn_attackers(self, function, *arguments, **more):
        """Attackers stay on the last processor and behind everything else: they must not starve the victim."""
        child = Child(function, *arguments, nice=self.options.attacker_nice, cpu=self.cpus[-1], **more)
        self.started.append(child)
        self.children.append(child)
        self.attacking.append(child)
        return child

    def folder(self, name):
        path = os.path.join(self.work, name)
        os.makedirs(path, exist_ok=True)
        return path

    def path(self, name):
        return os.path.join(self.work, name)

    def magnetget(self, *words, bind=None, port=VICTIM_PORT, dht=(), json_output=True, lsd=False, network=None, **more):
        words = [self.options.magnetget, *map(str, words), "--bind", bind or self.address(1), "--port", str(port)]
        words += ["--network", network or self.network, "--no-state"]
        words += [] if lsd else ["--no-lsd"]
        words += [part for node in dht for part in ("--bootstrap", node)] if dht else ["--no-dht"]
        words += ["--json"] if json_output else []
        program = Program(words, self.work, **more)
        self.started.append(program)
        return program

    def dhtnode(self, *words, **more):
        program = Program([self.options.dhtnode, *map(str, words)], self.work, **more)
        self.started.append(program)
        return program

    def attacker_counts(self):
        """What all attackers counted together."""
        total = collections.Counter()
        for child in self.attacking:
            total.update({key: value for key, value in (child.counts or {}).items() if isinstance(value, int)})
        return dict(total)

    def close(self):
        for thing in reversed(self.started):
            thing.stop()
        shutil.rmtree(self.work, ignore_errors=True)


def run(*words):
    return subprocess.run(words, capture_output=True, text=True)


class SynCounter:
    """Counts the SYNs at one address, or at a network, with a rule of nftables; only inside our namespace."""

    def __init__(self, target):
        family, flags = ("ip6" if ":" in target else "ip"), "tcp flags & (syn | ack) == syn"
        run("nft", "add", "table", "inet", "rig")
        run("nft", "add chain inet rig input { type filter hook input priority 0 ; }")
        # The number tells this counter from those of earlier runs.
        self.name = f"syn{time.monotonic_ns()}"
        run("nft", f"add counter inet rig {self.name}")
        added = run("nft", f"add rule inet rig input {family} daddr {target} {flags} counter name {self.name}")
        if added.returncode:
            raise RuntimeError(f"nft: {added.stderr}")

    def count(self):
        listed = json.loads(run("nft", "-j", "list", "counter", "inet", "rig", self.name).stdout)
        return next(item["counter"]["packets"] for item in listed["nftables"] if "counter" in item)


class BlackHole:
    """Endpoints whose SYNs are dropped."""

    def __init__(self, network):
        self.network = network
        run("nft", "add", "table", "inet", "rig")
        run("nft", "add chain inet rig input { type filter hook input priority 0 ; }")
        for target in ("127.250.0.0/15", "214.0.0.0/8"):
            run("ip", "route", "add", "local", target, "dev", "lo")
            run("nft", f"add rule inet rig input ip daddr {target} drop")

    def endpoint(self, number):
        if self.network == "private":
            return f"127.{250 + number % 2}.{number // 2 % 250}.{1 + number // 500}", 6881
        return f"214.{number % 250}.{number // 250 % 250}.{1 + number // 62500}", 6881


class Link:
    """A link with multicast inside the namespace, on which every address of 10.88.0.0/16 is ours."""

    def __init__(self, name="link0"):
        self.name = name
        run("ip", "link", "add", "name", name, "type", "veth", "peer", "name", f"{name}b")
        run("ip", "addr", "add", "10.88.0.1/16", "dev", name)
        run("ip", "link", "set", f"{name}b", "up")
        run("ip", "link", "set", name, "up")
        run("ip", "route", "add", "local", "10.88.0.0/16", "dev", name)
        run("ip", "route", "add", "239.0.0.0/8", "dev", name)

    def address(self, number):
        return f"10.88.{number // 250}.{number % 250}"

    def multicast_socket(self, source):
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sender.bind((source, 0))
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("10.88.0.1"))
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 1)
        return sender
