import Foundation
import Glibc
import Testing

/// Both programs under a library that makes the system's monotonic clocks step back.
extension EndToEnd {
    @Suite(.enabled(if: Machine.has("cc"), "there is no C compiler"), .timeLimit(.minutes(20)))
    struct ClockTests {
        /// `STEP_AFTER` milliseconds after its first use each clock steps back by `STEP_BACK`, and so again every
        /// `STEP_EVERY`.
        private static let library = """
            #define _GNU_SOURCE
            #include <stdlib.h>
            #include <sys/syscall.h>
            #include <time.h>
            #include <unistd.h>
            static long long setting(const char *name) { return atoll(getenv(name)) * 1000000; }
            int clock_gettime(clockid_t clock, struct timespec *time) {
                static long long start[16];
                int code = syscall(SYS_clock_gettime, clock, time);
                if (code != 0 || clock < 1 || clock > 15 || clock == CLOCK_REALTIME_COARSE) return code;
                if (clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID) return code;
                long long now = time->tv_sec * 1000000000LL + time->tv_nsec;
                if (start[clock] == 0) start[clock] = now;
                long long late = now - start[clock] - setting("STEP_AFTER");
                if (late > 0) now -= (1 + late / setting("STEP_EVERY")) * setting("STEP_BACK");
                time->tv_sec = now / 1000000000LL - (now % 1000000000LL < 0);
                time->tv_nsec = now % 1000000000LL + (now % 1000000000LL < 0 ? 1000000000LL : 0);
                return 0;
            }
            """

        /// The front of a command whose clocks step back.
        private func front(in lab: Lab, back: Int, after: Int, every: Int) async throws -> [String] {
            try Data(Self.library.utf8).write(to: URL(filePath: lab.path("step.c")))
            let library = lab.path("step.so")
            let built = try await lab.start(["cc", "-O1", "-shared", "-fPIC", "-o", library, lab.path("step.c")])
                .end(within: 30)
            try #require(built.code == 0, built.comment)
            return [
                "env", "STEP_BACK=\(back)", "STEP_AFTER=\(after)", "STEP_EVERY=\(every)", "LD_PRELOAD=\(library)",
            ]
        }

        /// An hour at once, also below zero on a machine that has just started; days; a little again and again.
        @Test(arguments: [
            (back: 3_600_000, after: 300, every: 1_000_000), (back: 400_000_000, after: 300, every: 1_000_000),
            (back: 5_000, after: 100, every: 10), (back: 20, after: 50, every: 100),
        ])
        func nothingIsLostButTime(step: (back: Int, after: Int, every: Int)) async throws {
            try await Lab.run { lab in
                let front = try await front(in: lab, back: step.back, after: step.after, every: step.every)
                let source = try lab.makeFile("seed/payload.bin", byteCount: 3_000_000)
                let network = try await Testnet(nodes: 5, seeding: source, in: lab)
                // Longer than until the step, with timers of the limit running.
                let run = try await lab.magnetget(
                    [
                        network.magnet, "--bootstrap", network.bootstrap, "--download-limit", "2M", "-o",
                        lab.path("new"),
                    ], in: front)
                #expect(run.code == 0, run.comment)
                #expect(areEqual(source, lab.path("new/payload.bin")))
                let silent = try SilentSocket(lab.address(), SOCK_DGRAM)
                let find = ["find", String(repeating: "5a", count: 20), "--bootstrap", silent.endpoint]
                let late = try await lab.startProgram("dhtnode", find + ["--bootstrap-timeout", "1"], in: front)
                    .end(within: 20)
                #expect(late.code == 3, late.comment)
            }
        }
    }
}
