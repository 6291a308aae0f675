"""A network of its own for a rig, in which every packet takes as long as a delay matrix says (docs/calibration.md).

Host `row` of the matrix, client `variant`, is bound to `inner(row, variant)` and known to the others as `outer(row,
variant)`; `relay.c` carries the packets from one to the other. Variants of a row have the same delays: rivals that
are compared sit at the same place.
"""

import math
import os
import random
import signal
import subprocess
import sys
import tempfile

DEVICE = "wire0"
ROWS_PER_OCTET = 250
PORT = 6881


def inner(row, variant=0):
    """Distinct /16 networks for distinct rows below 250: no client takes two of them for neighbours."""
    return _address(44, row, variant)


def outer(row, variant=0):
    return _address(45, row, variant)


def _address(first, row, variant):
    if not 0 <= variant < 16:
        raise ValueError("variant: 0 to 15")
    return f"{first}.{1 + row % ROWS_PER_OCTET}.{row // ROWS_PER_OCTET * 16 + variant}.10"


def enter(*more):
    """Runs the program again in a network namespace of its own, if it is not in one; nothing can leave from there.

    `more` are further options of unshare(1).
    """
    if os.environ.get("MAINLINE_WIRE") != "1":
        os.environ["MAINLINE_WIRE"] = "1"
        os.execvp("unshare", ["unshare", "--net", *more, sys.executable, *sys.argv])
    if has_way_out():
        sys.exit("this network namespace has a way out: it is not one of the rig's")


def has_way_out():
    """Whether packets to anywhere may leave: then it is no place for addresses that are not ours."""
    with open("/proc/net/route") as routes:
        return any(line.split()[1] == "00000000" for line in list(routes)[1:])


def draw_matrix(hosts, mean_rtt_ms, sigma, seed):
    """Symmetric one-way times in milliseconds; round trips are log-normal with this mean."""
    generator = random.Random(seed)
    median = mean_rtt_ms / math.exp(sigma * sigma / 2)
    matrix = [[0.0] * hosts for _ in range(hosts)]
    for row in range(hosts):
        for column in range(row + 1):
            one_way = round(median * math.exp(generator.gauss(0, sigma)) / 2, 3)
            matrix[row][column] = matrix[column][row] = one_way
    return matrix


def write_matrix(path, matrix, comment):
    """In the form that `dhtnode simulate --latency matrix:FILE` reads, too."""
    with open(path, "w") as file:
        file.write(f"# {comment}\n")
        for row in matrix:
            file.write(" ".join(f"{value:g}" for value in row) + "\n")


class Wire:
    """The relay and its device; `close` returns the relay's own counts."""

    def __init__(self, matrix_path, loss=0.0, seed=1):
        self._folder = tempfile.TemporaryDirectory()
        relay = os.path.join(self._folder.name, "relay")
        source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "relay.c")
        subprocess.run(["cc", "-O2", "-o", relay, source], check=True)
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        self._relay = subprocess.Popen(
            [relay, DEVICE, matrix_path, str(loss), str(seed)], stdout=subprocess.PIPE, text=True
        )
        if '"ready"' not in self._relay.stdout.readline():
            sys.exit("the relay does not start")
        for command in (
            f"link set {DEVICE} up txqueuelen 10000",
            f"route add 45.0.0.0/8 dev {DEVICE}",
            "route add local 44.0.0.0/8 dev lo",
        ):
            subprocess.run(["ip", *command.split()], check=True)

    def close(self):
        self._relay.send_signal(signal.SIGTERM)
        counts = self._relay.stdout.read()
        self._relay.wait()
        return counts.strip()
