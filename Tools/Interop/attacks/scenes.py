"""What attacks have in common: a download, metadata or a leecher, alone and beside the attack, and the bounds.

A scene runs once without attackers, which is its baseline, and then with them. `measure` returns plain figures:
`seconds` (None: never), `first` (until the first block), `cpu` (of the victim), `duration`, `peak` (bytes), `exit`.
"""

import os
import time

from . import honest
from .peer import Torrent

MIB = 1 << 20
# The bounds of the issue.
LEAST_RATE, MOST_DELAY = 0.8, 5.0
MOST_FIRST, MOST_FACTOR = 5.0, 3.0
MOST_CPU, MOST_MEMORY = 0.25, 64 * MIB


class Attack:
    """One row: `key` as in the list of faults, what it does, and how it is judged."""

    key = title = ""
    network = "private"
    layouts = ("one", "many")
    # Seconds after which a run counts as "never".
    limit = 40.0
    # Among those that `--quick` runs.
    is_quick = False
    # Times the figures of the list; strengths that make no sense are left out.
    strengths = (1, 3)
    # How many times more than the bounds allow is let pass: more than 1 on machines that do other things, too.
    generosity = 1.0

    def measure(self, lab, attacked):
        raise NotImplementedError

    def baseline_key(self):
        """Scenes with the same key have the same baseline."""
        return self.key

    def judge(self, alone, beside):
        """Breaches of the bounds, in words."""
        breaches = self.judge_time(alone, beside)
        if beside["duration"] > 0:
            spent = max(0.0, beside["cpu"] - alone["cpu"]) / beside["duration"]
            beside["attack_cpu"] = round(spent, 3)
            # On a busy machine, or of a build that is not optimized, it says little.
            if spent > MOST_CPU and self.generosity == 1:
                breaches.append(f"{spent:.0%} of a core")
        more = max(0, beside["peak"] - alone["peak"])
        beside["attack_memory"] = more
        if more > MOST_MEMORY * self.generosity:
            breaches.append(f"{more / MIB:.0f} MiB more")
        return breaches + self.judge_more(alone, beside)

    def judge_time(self, alone, beside):
        raise NotImplementedError

    def judge_more(self, alone, beside):
        return []


class Fetch(Attack):
    """Something is fetched: at 80% of the rate without the attack, or 5 s later at most."""

    def judge_time(self, alone, beside):
        if alone["seconds"] is None:
            return [f"never, without any attack: exit {alone['exit']} {alone.get('complaints')}"]
        if beside["seconds"] is None:
            return ["never"]
        delay = beside["seconds"] - alone["seconds"]
        is_slow = beside["seconds"] > alone["seconds"] / LEAST_RATE * self.generosity
        if is_slow and delay > MOST_DELAY * self.generosity:
            return [f"{delay:.1f} s later"]
        return []


class Download(Fetch):
    """`magnetget get` of a .torrent from one honest seed of a fixed rate, with attackers that are named as peers."""

    size, piece_length, padding = 16 * MIB, 256 * 1024, 0
    rate = 4_000_000
    # The honest seed calls the victim as well, after that many seconds.
    calls, delay = False, 0.0
    # How the peers are named to the victim: "peer" for --peer, "tracker" for the tracker of the torrent.
    named = "peer"
    words = ()
    honest_last = True

    def baseline_key(self):
        fields = (self.size, self.piece_length, self.padding, self.rate, self.calls, self.delay, self.named)
        methods = (type(self).measure, type(self).name, type(self).make_torrent, type(self).honest_endpoint)
        return (*(method.__qualname__ for method in methods), self.network, *fields, *self.words, self.limit)

    def make_torrent(self, lab):
        trackers = [f"http://{lab.address(3)}:8080/announce"] if self.named == "tracker" else []
        return Torrent(self.size, self.piece_length, trackers, self.padding)

    def honest_endpoint(self, lab):
        return lab.address(2), 6881

    def start_honest(self, lab, torrent):
        victim = lab.victim if self.calls else None
        return lab.spawn(
            honest.seed, torrent, *self.honest_endpoint(lab), rate=self.rate, victim=victim, delay=self.delay
        )

    def start_attack(self, lab, torrent):
        """Starts the attackers; the endpoints that the victim is to hear of."""
        raise NotImplementedError

    def name(self, lab, endpoints):
        """The words that name these peers to the victim, or a tracker that does."""
        if self.named == "tracker":
            self.tracker = lab.spawn(honest.track, lab.address(3), 8080, endpoints)
            time.sleep(0.2)
            return []
        return [part for address, port in endpoints for part in ("--peer", f"{address}:{port}")]

    def dht_nodes(self, attacked):
        return []

    def source(self, lab, torrent):
        torrent.write(lab.path("t.torrent"))
        return [lab.path("t.torrent"), "-o", lab.folder("out")]

    def goal(self):
        return "completed"

    def measure(self, lab, attacked):
        torrent = self.make_torrent(lab)
        seed = self.start_honest(lab, torrent)
        endpoints = self.start_attack(lab, torrent) if attacked else []
        # A seed that calls is not named. A dead endpoint is, because without any peer the client gives up at once.
        theirs = [(lab.address(5), 9999)] if self.calls else [self.honest_endpoint(lab)]
        endpoints = endpoints + theirs if self.honest_last else theirs + endpoints
        words = self.name(lab, endpoints)
        time.sleep(0.3)
        words += [*self.words, "--stall-timeout", "120"]
        victim = lab.magnetget(*self.source(lab, torrent), *words, dht=self.dht_nodes(attacked))
        found = victim.wait_for(self.goal(), self.limit)
        duration = time.monotonic() - victim.begun
        code = victim.wait(2) if found else victim.wait(0.1)
        result = self.result(victim, found, duration, code)
        if not found:
            result["done"] = last_progress(victim)
        victim.stop()
        result["honest"] = seed.stop()
        result |= self.look_at(lab, torrent, victim, found)
        return result

    def result(self, victim, found, duration, code):
        timings = found[1].get("timings", {}) if found else {}
        victim.sample()
        return {
            "seconds": round(found[0] - victim.begun, 3) if found else None,
            "first": timings.get("first_piece"),
            "cpu": round(victim.cpu, 3),
            "duration": round(duration, 3),
            "peak": victim.peak,
            "exit": code,
            "complaints": victim.complaints(),
        }

    def look_at(self, lab, torrent, victim, found):
        """More figures of this attack; `attacks.py` adds the counts of the attackers."""
        return {"wasted": found[1].get("wasted_bytes")} if found else {}


def last_progress(program):
    done = [event["done_bytes"] for _, event in program.events if event.get("event") == "progress"]
    return done[-1] if done else None


class Metadata(Download):
    """`magnetget --list` of a magnet: 32 KiB of metadata and more, from one honest seed."""

    size, piece_length = 24 * MIB, 16 * 1024
    calls, delay = True, 1.0
    words = ("--list", "--metadata-timeout", "40", "--peers-timeout", "40")
    limit = 30.0

    def source(self, lab, torrent):
        return [torrent.magnet]

    def goal(self):
        return "metadata"


class Serve(Attack):
    """`magnetget seed`, attackers on it, and then an honest leecher: first block and whole download."""

    size, piece_length, filler = 8 * MIB, 256 * 1024, 0
    words = ()
    # Seconds that the attack runs before the honest leecher comes.
    settle = 2.0
    # Honest leechers, one after the other, each from an address of its own.
    leech_limit = 30.0
    # Nodes to enter the DHT by; none: without it.
    dht = ()

    def baseline_key(self):
        methods = (type(self).measure.__qualname__, type(self).visit.__qualname__)
        return (*methods, self.network, self.size, self.piece_length, self.filler, *self.words, self.settle)

    def start_attack(self, lab, torrent):
        raise NotImplementedError

    def measure(self, lab, attacked):
        torrent = Torrent(self.size, self.piece_length, filler=self.filler)
        torrent.write(lab.path("t.torrent"))
        with open(os.path.join(lab.folder("data"), torrent.name), "wb") as file:
            file.write(torrent.payload)
        victim = lab.magnetget("seed", lab.path("t.torrent"), lab.folder("data"), *self.words, dht=self.dht)
        if not victim.wait_for("progress", 20):
            raise RuntimeError(f"the seed does not start: {victim.complaints()}")
        victim.sample()
        cpu_before, begun = victim.cpu, time.monotonic()
        if attacked:
            self.start_attack(lab, torrent)
        time.sleep(self.settle)
        result = self.visit(lab, torrent)
        victim.sample()
        result |= {
            "cpu": round(victim.cpu - cpu_before, 3),
            "duration": round(time.monotonic() - begun, 3),
            "peak": victim.peak,
            "exit": victim.process.poll(),
        }
        result["complaints"] = victim.complaints() if result["exit"] is not None else []
        victim.stop()
        return result

    def visit(self, lab, torrent):
        child = lab.spawn(honest.leech, torrent, lab.victim, lab.address(4), limit=self.leech_limit)
        got = child.wait(self.leech_limit + 5) or child.stop()
        refused = got.get("refused", 0) + got.get("ended", 0)
        return {"seconds": got.get("seconds"), "first": got.get("first"), "refused": refused, "honest": got}

    def judge_time(self, alone, beside):
        breaches = []
        if alone["seconds"] is None:
            return ["never, without any attack"]
        if beside["first"] is None or beside["first"] > MOST_FIRST * self.generosity:
            breaches.append(f"first block after {beside['first']} s" if beside["first"] else "no block at all")
        if beside["seconds"] is None:
            breaches.append("never whole")
        elif beside["seconds"] > self.generosity * max(alone["seconds"] * MOST_FACTOR, alone["seconds"] + MOST_FIRST):
            breaches.append(f"whole after {beside['seconds']:.1f} s instead of {alone['seconds']:.1f}")
        if beside["refused"] > alone["refused"]:
            breaches.append(f"refused {beside['refused']} times")
        if beside["exit"] is not None:
            breaches.append(f"the seed ended with {beside['exit']}")
        return breaches

