"""What surroundings do to a program: A10. Also here: the columns of a scene that measures no peers."""

import os
import subprocess
import time

from . import honest, peer
from .scenes import MIB, Attack, Download


class FewDescriptors(Attack):
    key, title = "A10", "RLIMIT_NOFILE of 6 to 16: a clear line and an exit code, or success"
    layouts, strengths = ("one",), (1,)

    def measure(self, place, attacked):
        torrent = peer.Torrent(1 * MIB, 256 * 1024)
        torrent.write(place.path("t.torrent"))
        place.spawn(honest.seed, torrent, place.address(2), 6881)
        time.sleep(0.2)
        codes, begun = {}, time.monotonic()
        for limit in range(6, 17) if attacked else [1024]:
            victim = place.magnetget(
                place.path("t.torrent"), "-o", place.folder(f"out{limit}"), "--peer", f"{place.address(2)}:6881",
                "--timeout", 5, limits=limit, port=0,
            )  # fmt: skip
            codes[limit] = victim.wait(8)
            if codes[limit] is None or codes[limit] < 0 or (codes[limit] and not victim.complaints()):
                codes[f"bad {limit}"] = victim.complaints() or codes[limit]
            victim.stop()
        result = {"seconds": None, "first": None, "cpu": 0.0, "duration": time.monotonic() - begun, "peak": 0}
        return result | {"exit": None, "codes": codes}

    def judge_time(self, alone, beside):
        return [f"{key}: {value}" for key, value in beside["codes"].items() if str(key).startswith("bad")][:3]


class SteppingClock(Download):
    key, title = "A10b", "the monotonic clock steps back by two seconds again and again"
    layouts, strengths, size, limit = ("one",), (1,), 16 * MIB, 30.0

    def measure(self, place, attacked):
        library = place.path("step_back.so")
        source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "step_back.c")
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
        torrent = self.make_torrent(place)
        seed = self.start_honest(place, torrent)
        time.sleep(0.2)
        victim = place.magnetget(
            *self.source(place, torrent),
            "--peer",
            f"{place.address(2)}:6881",
            environment={"LD_PRELOAD": library} if attacked else None,
        )
        found = victim.wait_for("completed", self.limit)
        duration = time.monotonic() - victim.begun
        result = self.result(victim, found, duration, victim.wait(2))
        victim.stop()
        return result | {"honest": seed.stop()}

    def judge(self, alone, beside):
        # Not for its CPU: the kernel's timers go by the real clock, and fire early again and again.
        return super().judge(alone, {**beside, "cpu": alone["cpu"]})

    def judge_more(self, alone, beside):
        breaches = [f"exit {beside['exit']}"] if beside["exit"] else []
        return breaches + ([f"first piece after {beside['first']} s"] if (beside["first"] or 0) < 0 else [])


ROWS = [FewDescriptors, SteppingClock]
