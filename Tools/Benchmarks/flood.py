#!/usr/bin/env python3
"""Broken packets by the thousand while others ask properly: is the node alive afterwards, and were they answered?

    flood.py [--seconds 30] [--malformed 20000] [--rate 150] [--limits default] [--output results/flood.jsonl]

Exits with 1 unless the node still runs, ends cleanly when told to, and answered at least 95% of the proper queries.
"""

import argparse
import json
import sys

import servers

ENOUGH = 0.95


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--malformed", type=int, default=20000, help="broken packets a second")
    parser.add_argument("--rate", type=int, default=150, help="proper queries a second, from 4,096 sources")
    parser.add_argument("--limits", default="default", choices=["low", "default", "high", "off"])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", help="a raw JSON line is appended here")
    options = parser.parse_args()
    with servers.Lab() as lab:
        node = servers.node(lab, "127.31.1.1", "--limits", options.limits, "--no-state", core=0)
        shape = ["--seconds", options.seconds, "--rate", options.rate, "--malformed", options.malformed]
        report = lab.load(node, *shape, "--seed", options.seed, core=1)
        is_alive = node.is_running()
        status = node.stop()
    line = {"event": "flood", "limits": options.limits, "is_alive": is_alive, "exit_status": status, **servers.machine(), **report}
    if options.output:
        with open(options.output, "a") as raw:
            print(json.dumps(line), file=raw)
    print(f"{report['malformed'] / report['seconds']:.0f} broken packets/s for {report['seconds']:.0f} s, limits {options.limits}:")
    print(f"{100 * report['answered_share']:.2f}% of {report['sent']} proper queries answered, p99 {report['p99_ms']:.1f} ms,", end=" ")
    print(f"{100 * report['cpu_share']:.0f}% of a core; {'alive' if is_alive else 'DEAD'}, then exit status {status}")
    return 0 if is_alive and status == 0 and report["answered_share"] >= ENOUGH else 1


if __name__ == "__main__":
    sys.exit(main())
