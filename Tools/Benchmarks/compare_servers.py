#!/usr/bin/env python3
"""`dhtnode run --limits off`, a libtorrent node and bare echo servers under the same load, in turn.

    compare_servers.py [--rounds 5] [--queries 250000] [--infohashes 65536] [--output results/servers.jsonl]

All servers run through the whole comparison; in each round the generator loads one after the other, in rotating
order. The servers share a core, and the generator has another. Each is asked the same number of queries, of the same
kinds, so that all keep as much and answer about as much. Every round goes to the raw file, the medians to stdout. The
first round warms up and is left out of the medians.
"""

import argparse
import json
import statistics
import sys

import servers

FIGURES = ["cpu_us_per_answer", "answers_per_second", "p50_ms", "p99_ms", "answered_share", "reply_bytes"]
SERVER_CORE, LOAD_CORE = 0, 1
LONGEST = 120  # seconds, of a warm-up or a run


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--queries", type=int, default=250_000, help="asked of each server in each round")
    parser.add_argument("--window", type=int, default=256)
    # So many that each has few peers, whoever was announced to more often: answers are about as long then.
    parser.add_argument("--infohashes", type=int, default=65536)
    parser.add_argument("--mix", default="2:4:8:1", help="ping : find_node : get_peers : announce_peer")
    parser.add_argument("--output", help="raw JSON lines are appended here")
    options = parser.parse_args()
    raw = open(options.output, "a") if options.output else None
    record(raw, {"event": "machine", **servers.machine()})
    with servers.Lab() as lab:
        rivals = start(lab)
        rounds = {name: [] for name in rivals}
        names = list(rivals)
        for number in range(options.rounds + 1):
            for name in names[number % len(names) :] + names[: number % len(names)]:
                server, extra = rivals[name]
                # Tables fill in the first round, from the sources of the load.
                shape = ["--queries", options.queries, "--window", options.window, "--mix", options.mix]
                shape += ["--infohashes", options.infohashes, "--seconds", LONGEST, "--warm-up", LONGEST]
                report = lab.load(server, *shape, *extra, core=LOAD_CORE)
                record(raw, {"server": name, "round": number, **report})
                if number > 0:
                    rounds[name].append(report)
        show(rounds)
        summary = {name: {figure: median(reports, figure) for figure in FIGURES} for name, reports in rounds.items()}
        record(raw, {"event": "summary", **servers.machine(), "medians": summary})


def start(lab):
    """Each with what the generator needs to know beside the target."""
    libtorrent = [servers.PYTHON, str(servers.HERE / "libtorrent_server.py"), "127.31.0.2"]
    echo = [f"{lab.folder}/krpcecho", "127.31.0.3:0"]
    return {
        "dhtnode": (servers.node(lab, "127.31.0.1", "--limits", "off", "--no-state", core=SERVER_CORE), []),
        "libtorrent": (lab.start("libtorrent", libtorrent, SERVER_CORE), []),
        "echo": (lab.start("echo", echo, SERVER_CORE), ["--echo"]),
        "echo, one by one": (lab.start("echo", [*echo, "--single"], SERVER_CORE), ["--echo"]),
    }


def median(reports, figure):
    return statistics.median(report[figure] for report in reports)


def record(raw, line):
    if raw:
        print(json.dumps(line), file=raw, flush=True)


def show(rounds):
    print(f"{'':18}{'CPU us/answer':>14}{'(lowest-highest)':>20}{'answers/s':>12}{'p50 ms':>9}{'p99 ms':>9}{'bytes':>8}")
    for name, reports in rounds.items():
        cost = [report["cpu_us_per_answer"] for report in reports]
        spread = f"{min(cost):.2f}-{max(cost):.2f}"
        row = [median(reports, figure) for figure in ["answers_per_second", "p50_ms", "p99_ms", "reply_bytes"]]
        print(f"{name:18}{statistics.median(cost):14.2f}{spread:>20}{row[0]:12.0f}{row[1]:9.3f}{row[2]:9.3f}{row[3]:8.0f}")
    ours, theirs = rounds["dhtnode"], rounds["libtorrent"]
    ratios = [ours[i]["cpu_us_per_answer"] / theirs[i]["cpu_us_per_answer"] for i in range(len(ours))]
    print(f"dhtnode takes {statistics.median(ratios):.3f} of libtorrent's CPU per answer", end="")
    print(f" ({min(ratios):.3f}-{max(ratios):.3f} over {len(ratios)} rounds)")


if __name__ == "__main__":
    sys.exit(main())
