"""Raw lines of results, and the conditions that they were measured in."""

import json
import os
import platform
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


def cpu_name():
    with open("/proc/cpuinfo") as info:
        return next((line.partition(":")[2].strip() for line in info if line.startswith("model name")), "unknown")


def conditions(**chosen):
    """The first raw line: when, on what machine, how busy, and what was chosen."""
    return {
        "event": "conditions",
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        **chosen,
        "cpus": os.cpu_count(),
        "cpu": cpu_name(),
        "kernel": platform.release(),
        "load": os.getloadavg(),
    }


def record(raw, line):
    if raw:
        raw.write(json.dumps(line) + "\n")
        raw.flush()
