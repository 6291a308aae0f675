import KRPC
import Primitives
import Testing

/// The example packets of BEP 5, as data.
@Suite struct BEP5VectorTests {
    @Test(arguments: [
        ("d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe", Query.Method.ping),
        (
            "d1:ad2:id20:abcdefghij01234567896:target20:mnopqrstuvwxyz123456e1:q9:find_node1:t2:aa1:y1:qe",
            .findNode(target: id("mnopqrstuvwxyz123456"))
        ),
        (
            "d1:ad2:id20:abcdefghij01234567899:info_hash20:mnopqrstuvwxyz123456e1:q9:get_peers1:t2:aa1:y1:qe",
            .getPeers(infoHash: id("mnopqrstuvwxyz123456"))
        ),
    ])
    func queriesDecode(text: String, method: Query.Method) throws {
        let packet = try Packet(text)
        let query = try packet.query()
        #expect(packet.text(packet.message.transaction) == "aa")
        #expect(query.id == id("abcdefghij0123456789"))
        #expect(query.method == method)
        #expect(query.want == nil)
    }

    @Test func announceDecodes() throws {
        let packet = try Packet(
            """
            d1:ad2:id20:abcdefghij012345678912:implied_porti1e9:info_hash20:mnopqrstuvwxyz123456\
            4:porti6881e5:token8:aoeusnthe1:q13:announce_peer1:t2:aa1:y1:qe
            """)
        let announcement = try packet.announcement()
        #expect(announcement.infoHash == id("mnopqrstuvwxyz123456"))
        #expect(announcement.port == nil)
        #expect(packet.text(announcement.token) == "aoeusnth")
    }

    @Test(arguments: [
        "d1:rd2:id20:mnopqrstuvwxyz123456e1:t2:aa1:y1:re",
        // "def456..." stands for contacts; its nine bytes are none.
        "d1:rd2:id20:mnopqrstuvwxyz1234565:nodes9:def456...e1:t2:aa1:y1:re",
    ])
    func repliesWithoutContactsDecode(text: String) throws {
        let packet = try Packet(text)
        let response = try packet.response()
        #expect(response.id == id("mnopqrstuvwxyz123456"))
        #expect(response.nodes.isEmpty)
        #expect(response.nodes6.isEmpty)
        #expect(response.token == nil)
        #expect(packet.peers(response).isEmpty)
    }

    @Test func repliesWithPeersDecode() throws {
        let packet = try Packet(
            "d1:rd2:id20:abcdefghij01234567895:token8:aoeusnth6:valuesl6:axje.u6:idhtnmee1:t2:aa1:y1:re")
        let response = try packet.response()
        #expect(response.token.map(packet.text) == "aoeusnth")
        #expect(
            packet.peers(response) == [.v4(97, 120, 106, 101, port: 0x2E75), .v4(105, 100, 104, 116, port: 0x6E6D)])
    }

    @Test func repliesWithTokenAndPlaceholderNodesDecode() throws {
        let packet = try Packet(
            "d1:rd2:id20:abcdefghij01234567895:nodes9:def456...5:token8:aoeusnthe1:t2:aa1:y1:re")
        let response = try packet.response()
        #expect(response.token.map(packet.text) == "aoeusnth")
        #expect(response.nodes.isEmpty)
    }

    @Test func errorsDecode() throws {
        let packet = try Packet("d1:eli201e23:A Generic Error Ocurrede1:t2:aa1:y1:ee")
        guard case .error(let code, let text) = packet.message.body else {
            Issue.record("not an error")
            return
        }
        #expect(code == .generic)
        #expect(packet.text(text) == "A Generic Error Ocurred")
    }
}
