import CommandSupport
import Swarm
import Testing

@Suite struct LimitCountTests {
    @Test func onlyLimitsThatWereReachedAreTold() {
        var snapshot = TorrentSnapshot()
        #expect(LimitCounts(snapshot).text == nil)
        snapshot.callersRefused = 1
        snapshot.peersDisplaced = 12
        #expect(LimitCounts(snapshot).text == "limits: 1 caller refused, 12 connections gave way")
    }
}
