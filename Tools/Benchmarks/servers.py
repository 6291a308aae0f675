"""Servers to be loaded and the load generator, as processes that end with the script."""

import json
import os
import pathlib
import platform
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
PYTHON = os.environ.get("MAINLINE_PYTHON", sys.executable)


def build(folder):
    """Compiles the generator and the floor; returns their folder."""
    for name in ["krpcload", "krpcecho"]:
        subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-o", f"{folder}/{name}", f"{HERE}/{name}.c"], check=True)


def machine():
    """What a figure depends on besides the code."""

    def read(path):
        return pathlib.Path(path).read_text().strip()

    return {
        "date": time.strftime("%Y-%m-%d %H:%M:%S"),
        "kernel": platform.release(),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "rmem_max": int(read("/proc/sys/net/core/rmem_max")),
        "rmem_default": int(read("/proc/sys/net/core/rmem_default")),
    }


class Lab:
    """A folder with the tools, and everything that was started; all of it goes at the end."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="mainline-load-")
        self.running = []
        build(self.folder)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for server in self.running:
            server.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, name, arguments, core=None):
        server = Server(name, arguments, core)
        self.running.append(server)
        return server

    def load(self, server, *options, core=None):
        """One run of the generator: its report."""
        arguments = [f"{self.folder}/krpcload", "--target", server.endpoint, "--pid", str(server.pid), *map(str, options)]
        output = subprocess.run(pinned(arguments, core), stdout=subprocess.PIPE, check=True, text=True).stdout
        return json.loads(output)


def pinned(arguments, core):
    return arguments if core is None else ["taskset", "-c", str(core), *arguments]


class Server:
    """A process that says on stdout, as a JSON line, when it is ready and where."""

    def __init__(self, name, arguments, core=None):
        self.name = name
        self.process = subprocess.Popen(
            pinned(arguments, core), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.lines = queue.SimpleQueue()
        threading.Thread(target=self.read, daemon=True).start()
        self.pid = self.process.pid
        self.ready = self.wait_for("ready")
        self.endpoint = self.ready.get("endpoint") or self.ready.get("bootstrap") or self.ready["listen"][0]

    def read(self):
        # Whatever it says is read at once: a full pipe would stop it.
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def wait_for(self, event, limit=30):
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            try:
                line = self.lines.get(timeout=0.1)
            except queue.Empty:
                continue
            if line is None:
                break
            found = json.loads(line)
            if found["event"] == event:
                return found
        raise SystemExit(f"{self.name} does not say {event}")

    def is_running(self):
        return self.process.poll() is None

    def stop(self):
        """Its exit status."""
        if self.is_running():
            self.process.stdin.close()
            self.process.terminate()
        try:
            return self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


def program(name):
    path = ROOT / ".build" / "release" / name
    if not path.exists():
        raise SystemExit(f"{path} is not there: swift build -c release")
    return str(path)


def node(lab, address, *options, core=None):
    arguments = [program("dhtnode"), "run", "--bind", address, "--port", "0", "--network", "private", "--json"]
    return lab.start("dhtnode", [*arguments, *options], core)
