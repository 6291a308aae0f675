#!/usr/bin/env python3
"""Hostile peers against our programs, and what an honest peer gets beside each: one row an attack.

    attacks.py --list
    attacks.py [KEY...] [--strength 1|3] [--hosts one|many] [--rounds N] [--quick] [--json FILE]

Each scene runs once without attackers and then beside them, in a network namespace of its own. The verdict names each
bound of README.md ("Attacks") that was broken; exit code 1 when there is one. Needs unshare and ip, and root for rows
in which packets are counted.
"""

import argparse
import os
import sys
import tempfile
import time

from attacks import dht_rows, download_rows, lab, metadata_rows, own_download_rows, own_holding_rows, own_serve_rows
from attacks import peers_rows, process_rows, scenes, serve_rows
from raw_lines import ROOT, conditions, record

MODULES = [metadata_rows, download_rows, peers_rows, serve_rows, dht_rows, process_rows]
MODULES += [own_download_rows, own_serve_rows, own_holding_rows]
ROWS = {row.key: row for module in MODULES for row in module.ROWS}


def main():
    options = parse()
    if options.list:
        for key, row in ROWS.items():
            print(f"{key:5} {row.title}")
        return 0
    scenes.Attack.generosity = options.bounds
    lab.enter_namespace()
    with tempfile.TemporaryDirectory(prefix="mainline-attacks-") as options.work:
        with open(options.json or os.devnull, "a") as raw:
            broken = Run(options, raw).all()
    print(f"{broken} broken" if broken else "every bound kept")
    return 1 if broken else 0


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("keys", nargs="*", help="rows of --list; all without")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--strength", type=int, choices=[1, 3], help="times the strength of the list; both without")
    parser.add_argument("--hosts", choices=["one", "many"], help="where the attackers are; both without")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="the rows of the kind that did most harm, once each")
    parser.add_argument("--json", help="append raw lines to this file")
    parser.add_argument("--magnetget", default=os.path.join(ROOT, ".build/release/magnetget"))
    parser.add_argument("--dhtnode", default=os.path.join(ROOT, ".build/release/dhtnode"))
    parser.add_argument("--bounds", type=float, default=1.0, help="let pass so many times what the bounds allow")
    parser.add_argument("--attacker-nice", type=int, default=5)
    options = parser.parse_args()
    for key in options.keys:
        if key not in ROWS:
            parser.error(f"{key}: not among --list")
    if options.quick:
        options.strength, options.hosts = options.strength or 1, options.hosts or "one"
        options.keys = options.keys or [key for key, row in ROWS.items() if row.is_quick]
    options.keys = options.keys or list(ROWS)
    return options


class Run:
    def __init__(self, options, raw):
        self.options, self.raw, self.baselines = options, raw, {}
        record(raw, conditions(magnetget=options.magnetget, strength=options.strength, hosts=options.hosts))

    def all(self):
        print(HEAD)
        broken = 0
        for number in range(self.options.rounds):
            for key in self.options.keys:
                row = ROWS[key]
                for strength in [self.options.strength] if self.options.strength else row.strengths:
                    for layout in [self.options.hosts] if self.options.hosts else row.layouts:
                        if layout in row.layouts and strength in row.strengths:
                            broken += bool(self.one(row(), strength, layout, number))
        return broken

    def one(self, attack, strength, layout, number):
        alone = self.baseline(attack, strength, layout)
        beside = self.measure(attack, strength, layout, attacked=True)
        breaches = attack.judge(alone, beside)
        line = {"event": "attack", "key": attack.key, "title": attack.title, "round": number}
        line |= {"strength": strength, "hosts": layout, "network": attack.network, "breaches": breaches}
        line |= {"alone": alone, "beside": beside, "load": os.getloadavg()[0]}
        record(self.raw, line)
        print(text_of(line), flush=True)
        return breaches

    def baseline(self, attack, strength, layout):
        key = attack.baseline_key()
        if key not in self.baselines:
            self.baselines[key] = self.measure(attack, strength, layout, attacked=False)
        return self.baselines[key]

    def measure(self, attack, strength, layout, attacked):
        place = lab.Lab(self.options, attack.network, layout, strength)
        begun = time.monotonic()
        try:
            result = attack.measure(place, attacked)
        finally:
            place.close()
        result["attackers"], result["strength"] = place.attacker_counts(), strength
        result["took"] = round(time.monotonic() - begun, 1)
        errors = [child.counts["rig_error"] for child in place.children if "rig_error" in (child.counts or {})]
        if errors:
            sys.exit(f"{attack.key}: the rig itself failed: {errors[0]}")
        return result


HEAD = (
    f"{'row':5} {'x':>2} {'hosts':5} {'alone':>7} {'beside':>7} {'first':>7} {'CPU':>6} {'MiB':>6} {'asked':>9}"
    "  verdict, and what was broken"
)


def text_of(line):
    alone, beside = line["alone"], line["beside"]
    attackers = beside["attackers"]
    asked = attackers.get("requests") or attackers.get("calls") or attackers.get("connections") or 0
    words = [
        f"{line['key']:5} {line['strength']:2} {line['hosts']:5}",
        seconds(alone["seconds"]),
        seconds(beside["seconds"]),
        seconds(beside["first"]),
        f"{beside.get('attack_cpu', 0):6.0%}",
        f"{beside.get('attack_memory', 0) / (1 << 20):6.0f}",
        f"{asked:9,}",
        " " + ("BROKEN: " + ", ".join(line["breaches"]) if line["breaches"] else "kept"),
    ]
    return " ".join(words)


def seconds(value):
    return f"{value:7.2f}" if value is not None else "  never"


if __name__ == "__main__":
    sys.exit(main())
