import PeerProtocol
import Primitives
import Testing

@Suite struct EncryptionPolicyTests {
    @Test func callsAreTriedInTheOrderOfThePolicy() {
        #expect(EncryptionPolicy.prefer.openings() == [.plaintext, .encrypted])
        #expect(EncryptionPolicy.prefer.openings(peerWantsEncryption: true) == [.encrypted, .plaintext])
        for wanted in [false, true] {
            #expect(EncryptionPolicy.require.openings(peerWantsEncryption: wanted) == [.encrypted])
            #expect(EncryptionPolicy.off.openings(peerWantsEncryption: wanted) == [.plaintext])
        }
    }

    @Test func hasTheNamesOfTheOption() {
        #expect(EncryptionPolicy.allCases.map(\.rawValue) == ["prefer", "require", "off"])
    }

    @Test func methodsAreThoseOfThePolicy() {
        #expect(EncryptionPolicy.prefer.methods == [.plaintext, .rc4])
        #expect(EncryptionPolicy.require.methods == .rc4)
        #expect(EncryptionPolicy.off.methods == [])
    }

    @Test(arguments: [
        (EncryptionPolicy.prefer, true, true), (.require, false, true), (.off, true, false),
    ])
    func callersMayOpenAsThePolicySays(policy: EncryptionPolicy, plaintext: Bool, encrypted: Bool) {
        #expect(policy.accepts(.plaintext) == plaintext && policy.accepts(.encrypted) == encrypted)
        var answerer = EncryptionEnd(answeringWith: [torrentHash], policy)
        answerer.receive(encoded(theirHandshake().encode))
        #expect((answerer.protection == .plaintext) == plaintext)
        #expect((answerer.fault == .plaintextRefused) == !plaintext)

        var pair = EncryptionPair(
            EncryptionEnd(calling: torrentHash), EncryptionEnd(answeringWith: [torrentHash], policy))
        pair.run()
        #expect((pair.answerer.protection == .stream) == encrypted)
        #expect((pair.answerer.fault == .encryptionRefused) == !encrypted)
    }

    /// Each row: the policies of both sides, what the one that is called prefers, and what comes of it.
    @Test(arguments: [
        (
            EncryptionPolicy.prefer, EncryptionPolicy.prefer, CryptoMethods.plaintext,
            EncryptionHandshake.Protection.opening
        ),
        (.prefer, .prefer, .rc4, .stream), (.prefer, .prefer, CryptoMethods(), .opening),
        (.require, .prefer, .plaintext, .stream),
        (.prefer, .require, .plaintext, .stream), (.require, .require, .plaintext, .stream),
    ])
    func theSideThatIsCalledSelects(
        calling: EncryptionPolicy, called: EncryptionPolicy, preferred: CryptoMethods,
        protection: EncryptionHandshake.Protection
    ) {
        var pair = EncryptionPair(
            EncryptionEnd(calling: torrentHash, calling),
            EncryptionEnd(answeringWith: [torrentHash], called, preferring: preferred))
        pair.run()
        #expect(pair.caller.protection == protection && pair.answerer.protection == protection)
    }
}
