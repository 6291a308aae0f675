import Kademlia
import Primitives
import Testing

@Suite struct TokensTests {
    private let infoHash = ID160(high: 1, middle: 2, low: 3)
    private let id = ID160(high: 4, middle: 5, low: 6)
    private let endpoint = Endpoint.v4(44, 1, 2, 3, port: 6881)

    private func tokens() -> Tokens {
        Tokens(rotation: .seconds(300), generator: SeededGenerator(number: 1), now: .origin)
    }

    private func accepts(
        _ tokens: inout Tokens, _ token: UInt64, infoHash: InfoHash? = nil, id: NodeID? = nil,
        endpoint: Endpoint? = nil, after age: Duration = .zero
    ) -> Bool {
        var bytes: [UInt8] = []
        bytes.appendBigEndian(token)
        return tokens.accepts(
            bytes.span.bytes, for: infoHash ?? self.infoHash, id: id ?? self.id, endpoint: endpoint ?? self.endpoint,
            now: .origin + age)
    }

    @Test func aTokenOpensNothingElse() {
        var tokens = tokens()
        let token = tokens.token(for: infoHash, id: id, endpoint: endpoint, now: .origin)
        #expect(accepts(&tokens, token))
        #expect(!accepts(&tokens, token ^ 1))
        #expect(!accepts(&tokens, token, infoHash: .zero))
        #expect(!accepts(&tokens, token, id: .zero))
        #expect(!accepts(&tokens, token, endpoint: .v4(44, 1, 2, 4, port: 6881)))
        #expect(!accepts(&tokens, token, endpoint: .v4(44, 1, 2, 3, port: 6882)))
        #expect(!accepts(&tokens, token, endpoint: .v6(EndpointV6(high: 0, low: 0x2C01_0203, port: 6881))))
    }

    @Test func aTokenLivesForOneToTwoRotations() {
        var tokens = tokens()
        let token = tokens.token(for: infoHash, id: id, endpoint: endpoint, now: .origin)
        #expect(accepts(&tokens, token, after: .seconds(299)))
        #expect(accepts(&tokens, token, after: .seconds(301)))
        #expect(accepts(&tokens, token, after: .seconds(600)))
        #expect(!accepts(&tokens, token, after: .seconds(602)))
    }

    @Test func aLongSilenceEndsAllTokens() {
        var tokens = tokens()
        let token = tokens.token(for: infoHash, id: id, endpoint: endpoint, now: .origin)
        #expect(!accepts(&tokens, token, after: .seconds(601)))
    }

    @Test(arguments: [0, 4, 7, 9, 20])
    func anotherLengthIsNoToken(length: Int) {
        var tokens = tokens()
        let bytes = [UInt8](repeating: 0, count: length)
        let isAccepted = tokens.accepts(bytes.span.bytes, for: infoHash, id: id, endpoint: endpoint, now: .origin)
        #expect(!isAccepted)
    }
}
