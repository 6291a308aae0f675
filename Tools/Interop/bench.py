"""What the benchmarks share: rigs as processes, a payload, raw lines and the conditions that they were measured in."""

import json
import os
import subprocess
import sys
import threading

import rig
from raw_lines import HERE, ROOT, conditions, record

__all__ = ["GIB", "HERE", "ROOT", "Helper", "build_floor", "conditions", "make_payload", "record", "same_bytes"]
GIB = 1 << 30


def make_payload(work, size):
    os.mkdir(os.path.join(work, "source"))
    path = os.path.join(work, "source", "payload.bin")
    with open(path, "wb") as file:
        for start in range(0, size, 1 << 22):
            file.write(os.urandom(min(1 << 22, size - start)))
    return path


def build_floor(work):
    """The floor: what a download costs without any protocol."""
    program, source = os.path.join(work, "floor"), os.path.join(ROOT, "Tools/Benchmarks/floor.c")
    subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-o", program, source, "-lcrypto", "-lpthread"], check=True)
    return program


class Helper:
    """A rig, or another program, in a process of its own; a rig ends when its stdin is closed."""

    def __init__(self, script, *arguments, helpers):
        program = [sys.executable, os.path.join(HERE, script)] if script.endswith(".py") else [script]
        self.process = subprocess.Popen(
            [*program, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        helpers.append(self)

    def wait_for(self, event, limit=120):
        timer = threading.Timer(limit, self.process.kill)
        timer.start()
        try:
            for line in self.process.stdout:
                message = json.loads(line)
                if message["event"] == event:
                    return message
                if message["event"] == "error":
                    rig.fail(message["message"])
        finally:
            timer.cancel()
        rig.fail(f"{self.process.args[1]} ended, or took over {limit} s, before '{event}'")

    def ask(self, command):
        """Sends a command, and waits for the event of the same name."""
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return self.wait_for(command, 60)

    def drain(self):
        """Reads on, so that a chatty rig never blocks on a full pipe."""
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.process.stdin.close()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def same_bytes(payload, copy):
    return subprocess.run(["cmp", "--silent", payload, copy]).returncode == 0
