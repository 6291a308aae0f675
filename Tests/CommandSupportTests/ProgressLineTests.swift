import Primitives
import Testing

@testable import CommandSupport

@Suite struct ProgressLineTests {
    private var downloading: ProgressState {
        var state = ProgressState()
        state.stage = .downloading
        state.name = "debian-13.1.0-amd64-netinst.iso"
        state.doneBytes = 96 << 20
        state.totalBytes = 256 << 20
        state.downloadRate = 12.5 * 1_048_576
        state.peersFound = 20
        state.peersConnected = 8
        state.timeLeft = .seconds(12)
        return state
    }

    @Test func aWideTerminalShowsEverything() {
        let line = ProgressLine.drawn(downloading, columns: 120)
        #expect(line.hasPrefix("debian-13.1.0-amd64-netinst."))
        #expect(line.contains("[===") && line.contains(">  "))
        for part in [" 37 %", "96.0 MiB of 256.0 MiB", "12.5 MiB/s", "8 peers", "ETA 0:12"] {
            #expect(line.contains(part), "\(part) is missing in \(line)")
        }
    }

    @Test(arguments: [0, 1, 5, 20, 39, 40, 60, 79, 80, 120, 300])
    func noLineIsWiderThanTheTerminal(columns: Int) {
        for stage in [GetStage.bootstrap, .peers, .metadata, .checking, .downloading, .seeding, .finished] {
            var state = downloading
            state.stage = stage
            state.name = "日本語の長い名前" + String(repeating: "語", count: 40)
            #expect(TerminalText.width(of: ProgressLine.drawn(state, columns: columns)) <= columns)
        }
    }

    @Test func aNarrowTerminalKeepsPercentAndRate() {
        let line = ProgressLine.drawn(downloading, columns: 30)
        #expect(line.contains("37 %") && line.contains("12.5 MiB/s"))
    }

    @Test(arguments: [(0, "[          "), (256 << 20, "[==========")])
    func theBarIsEmptyAtTheStartAndFullAtTheEnd(done: Int, beginning: String) {
        var state = downloading
        state.doneBytes = done
        let line = ProgressLine.drawn(state, columns: 100)
        #expect(line.contains(beginning))
        #expect(line.contains(">") == false)
    }

    @Test func beforeTheMetadataTheStageIsShown() {
        var state = ProgressState()
        state.nodes = NodeCounts(queriesSent: 12, answers: 3, contacts: 2)
        #expect(ProgressLine.plain(state) == "joining the DHT: 3 answers to 12 queries")
        state.stage = .peers
        #expect(ProgressLine.plain(state) == "looking for peers: 3 answers to 12 queries, 2 nodes known")
        state.trackers = 2
        state.trackersAnswered = 1
        #expect(
            ProgressLine.plain(state)
                == "looking for peers: 1 of 2 trackers answered, 3 answers to 12 queries, 2 nodes known")
        state.usesDHT = false
        #expect(ProgressLine.plain(state) == "looking for peers: 1 of 2 trackers answered")
        state.stage = .metadata
        state.peersFound = 5
        state.peersConnecting = 2
        state.peersConnected = 1
        #expect(ProgressLine.plain(state) == "fetching metadata: 5 peers found, 2 connecting, 1 connected")
    }

    @Test func hostileNamesAreEscapedInBothForms() {
        var state = downloading
        state.name = "\u{1B}]0;owned\u{7}\u{202E}"
        for line in [ProgressLine.plain(state), ProgressLine.drawn(state, columns: 150)] {
            #expect(line.unicodeScalars.allSatisfy { !TerminalText.isDangerous($0) })
        }
    }

    @Test func aLogGetsALineEveryFewSecondsAndSoonerAtANewStage() {
        var pacer = ProgressPacer(.plain)
        let facts: [(stage: GetStage, seconds: Double, isDue: Bool)] = [
            (.bootstrap, 0, false), (.bootstrap, 0.9, false), (.bootstrap, 1, true), (.bootstrap, 5.9, false),
            (.bootstrap, 6, true), (.peers, 6.9, false), (.peers, 7, true), (.peers, 11.9, false), (.peers, 12, true),
        ]
        for fact in facts {
            let isDue = pacer.isDue(fact.stage, now: .origin + .seconds(fact.seconds))
            #expect(isDue == fact.isDue, "\(fact)")
        }
    }

    @Test func aTerminalIsDrawnFiveTimesASecondAtMost() {
        var pacer = ProgressPacer(.drawn)
        var due = 0
        for time in 0..<1_000 where pacer.isDue(.downloading, now: .origin + .milliseconds(time)) { due += 1 }
        #expect(due == 5)
    }
}
