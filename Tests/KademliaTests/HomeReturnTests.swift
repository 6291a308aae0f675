import KRPC
import Kademlia
import Primitives
import TestSupport
import Testing

/// The link of a home was lost and is back.
@Suite struct HomeReturnTests {
    private let elsewhere = Endpoint.v4(127, 0, 0, 77, port: 6881)
    private var generator = SeededGenerator(number: 5)
    private var bench = Workbench()

    private mutating func known(_ number: Int) throws -> Stranger {
        let stranger = Stranger(number, using: &generator)
        bench.command(.bootstrap([stranger.endpoint]))
        let query = try #require(bench.takeSent().first { $0.to == stranger.endpoint })
        bench.receive(stranger.reply(to: query, ReplyContent()), from: stranger.endpoint)
        return stranger
    }

    @Test mutating func contactsStayAndAreAskedAtOnce() throws {
        let contact = try known(1)
        bench.advance(by: .seconds(120))
        _ = bench.takeSent()
        #expect(bench.node.homes[0].contactCount == 1)
        bench.homeReturned(at: elsewhere)
        #expect(bench.node.homes[0].local == elsewhere)
        #expect(bench.node.homes[0].contactCount == 1)
        #expect(bench.takeSent().contains { $0.to == contact.endpoint })
    }

    @Test mutating func aLookupThatIsRunningDoesNotHoldThatUp() throws {
        let contact = try known(1)
        bench.homeReturned(at: elsewhere)
        #expect(bench.takeSent().contains { $0.to == contact.endpoint })
        // The first one is still waiting for its answers.
        bench.homeReturned(at: elsewhere)
        #expect(bench.takeSent().contains { $0.to == contact.endpoint })
    }

    @Test mutating func anAddressOfTheOtherFamilyIsNoHomeOfOurs() {
        bench.homeReturned(at: .v6(EndpointV6(high: 0, low: 1, port: 6881)))
        #expect(bench.node.homes[0].local == .v4(127, 0, 0, 1, port: 6881))
        #expect(bench.takeSent().isEmpty)
    }
}
