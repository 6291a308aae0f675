import Primitives
import Testing

@Suite struct ID160Tests {
    @Test func roundTripsThroughHexAndBytes() throws {
        let id = try #require(ID160(hex: "0123456789abcdef0123456789ABCDEF01234567"))
        #expect(id.hex == "0123456789abcdef0123456789abcdef01234567")
        #expect(ID160(id.bytes) == id)
        #expect(ID160(hex: "0123") == nil)
        #expect(ID160(hex: String(repeating: "g", count: 40)) == nil)
    }

    @Test func commonPrefixCountsBitsAcrossAllWords() {
        for bit in 0..<ID160.bitCount {
            var other = ID160.zero
            other[bit: bit] = true
            #expect(other[bit: bit])
            #expect(ID160.zero.commonPrefixLength(with: other) == bit)
            #expect(ID160.zero.distance(to: other).bitWidth == 160 - bit)
        }
        #expect(ID160.zero.commonPrefixLength(with: .zero) == 160)
    }

    @Test func ordersAsABigEndianNumber() {
        var generator = SeededGenerator(number: 1)
        for _ in 0..<1000 {
            let left = ID160.random(using: &generator)
            let right = ID160.random(using: &generator)
            #expect((left < right) == left.bytes.lexicographicallyPrecedes(right.bytes))
        }
    }
}

@Suite struct EndpointTests {
    @Test(arguments: [
        "127.0.0.1:6881", "255.255.255.255:65535", "[::1]:1", "[::]:0", "[2001:db8::1]:6881",
        "[2001:db8:0:1:1:1:1:1]:5", "[2001:0:0:1::1]:5", "[fe80::1:0:0:1]:9",
    ])
    func canonicalTextRoundTrips(text: String) throws {
        let endpoint = try #require(Endpoint(text))
        #expect(endpoint.description == text)
        var compact: [UInt8] = []
        endpoint.appendCompact(to: &compact)
        #expect(Endpoint(compact: compact.span.bytes, in: 0..<compact.count) == endpoint)
    }

    @Test(arguments: [("[2001:DB8:0:0::0001]:80", "[2001:db8::1]:80"), ("[::ffff:1.2.3.4]:80", "[::ffff:102:304]:80")])
    func otherFormsAreNormalised(text: String, canonical: String) {
        #expect(Endpoint(text)?.description == canonical)
    }

    @Test(arguments: [
        "", ":", "1.2.3.4", "1.2.3:5", "1.2.3.4:65536", "1.2.3.4:-1", "1.2.3.256:1", "01.2.3.4567:1", "::1:80", "[::1]",
        "[1::2::3]:1", "[:::]:1", "[12345::]:1", "[1:2:3:4:5:6:7:8:9]:1", "[1:2:3:4:5:6:7::8]:1x", "host:80",
        "[+1::]:1",
    ])
    func anythingElseIsRefused(text: String) {
        #expect(Endpoint(text) == nil)
    }

    @Test(arguments: [
        ("127.9.9.9:1", AddressScope.loopback), ("10.0.0.1:1", .privateUse), ("172.31.0.1:1", .privateUse),
        ("172.32.0.1:1", .global), ("192.168.0.1:1", .privateUse), ("169.254.1.1:1", .linkLocal),
        ("0.1.2.3:1", .unusable),
        ("224.0.0.1:1", .unusable), ("203.0.113.5:1", .unusable), ("44.0.0.1:1", .global), ("[::1]:1", .loopback),
        ("[fd00::1]:1", .privateUse), ("[fe80::1]:1", .linkLocal), ("[2a00::1]:1", .global), ("[ff02::1]:1", .unusable),
        ("[2001:db8::1]:1", .unusable), ("[::ffff:102:304]:1", .unusable),
        ("[64:ff9b::8.8.8.8]:1", .global), ("[64:ff9b::7f00:1]:1", .unusable), ("[64:ff9b::10.0.0.1]:1", .unusable),
        ("[64:ff9b::203.0.113.5]:1", .unusable), ("[64:ff9b::1:808:808]:1", .unusable),
        ("[64:ff9b:1::808:808]:1", .unusable),
    ])
    func scopeFollowsTheRegistries(text: String, scope: AddressScope) {
        #expect(Endpoint(text)?.scope == scope)
    }

    /// Each block of the IANA special-purpose registries: its first and last address, and the neighbours on both sides.
    @Test(arguments: [
        ("192.0.0.0", "192.0.0.255", "191.255.255.255", "192.0.1.0"),
        ("192.31.196.0", "192.31.196.255", "192.31.195.255", "192.31.197.0"),
        ("192.52.193.0", "192.52.193.255", "192.52.192.255", "192.52.194.0"),
        ("192.88.99.0", "192.88.99.255", "192.88.98.255", "192.88.100.0"),
        ("192.175.48.0", "192.175.48.255", "192.175.47.255", "192.175.49.0"),
        ("198.18.0.0", "198.19.255.255", "198.17.255.255", "198.20.0.0"),
        ("198.51.100.0", "198.51.100.255", "198.51.99.255", "198.51.101.0"),
        ("203.0.113.0", "203.0.113.255", "203.0.112.255", "203.0.114.0"),
        ("240.0.0.0", "255.255.255.255", "223.255.255.255", "223.255.255.254"),
        ("[2001::]", "[2001:1ff:ffff::1]", "[2000:ffff::1]", "[2001:200::1]"),
        ("[2001:0:4136:e378::1]", "[2001:2::1]", "[2001:200::]", "[2001:db7::1]"),
        ("[2001:10::1]", "[2001:2f:ffff::1]", "[2001:db9::1]", "[2001:4860::1]"),
        ("[2001:db8::]", "[2001:db8:ffff::1]", "[2001:db7:ffff::1]", "[2001:db9::]"),
        ("[3fff::]", "[3fff:fff:ffff::1]", "[3ffe:ffff::1]", "[3fff:1000::]"),
        ("[2620:4f:8000::]", "[2620:4f:8000:ffff::1]", "[2620:4f:7fff::1]", "[2620:4f:8001::1]"),
        // 6to4 of 127.0.0.1, 10/8, 169.254.169.254 and 192.168.1.1, beside that of 8.8.8.8.
        ("[2002:7f00:1::1]", "[2002:a00:1::1]", "[2002:808:808::1]", "[2002:900:1::1]"),
        ("[2002:a9fe:a9fe::a9fe:a9fe]", "[2002:c0a8:101::]", "[2002:a9ff:1::]", "[2002:c0a9:101::]"),
        ("[64:ff9b::a9fe:a9fe]", "[64:ff9b::7f00:1]", "[64:ff9b::808:808]", "[64:ff9b::a9ff:1]"),
        ("[64:ff9b:1::1]", "[64:ff9b:1:ffff::808:808]", "[64:ff9b::808:808]", "[64:ff9b::909:909]"),
        ("[::ffff:8.8.8.8]", "[::8.8.8.8]", "[2a00::1]", "[2600::1]"),
        ("[100::1]", "[100:0:0:1::1]", "[2a00::1]", "[2600::1]"),
        ("[5f00::1]", "[5f00:ffff::1]", "[2a00::1]", "[2600::1]"),
        ("[fec0::1]", "[feff::1]", "[2a00::1]", "[2600::1]"),
    ])
    func specialBlocksEndWhereTheRegistriesSay(first: String, last: String, before: String, after: String) {
        for host in [first, last] { #expect(Endpoint("\(host):1")?.scope == .unusable, "\(host)") }
        for host in [before, after] { #expect(Endpoint("\(host):1")?.scope == .global, "\(host)") }
    }

    @Test(arguments: [
        ("9.8.7.6", "9.8.7.255", true), ("9.8.7.6", "9.8.6.6", false),
        ("[2a00:1:2:300::1]", "[2a00:1:2:3ff::2]", true), ("[2a00:1:2:300::1]", "[2a00:1:2:400::1]", false),
        ("[2002:908:706:1::]", "[2002:908:7ff:ffff::]", true), ("[2002:908:706::]", "[2002:908:606::]", false),
        ("[64:ff9b::9.8.7.6]", "[64:ff9b::9.8.7.9]", true), ("[64:ff9b::9.8.7.6]", "[64:ff9b::9.8.6.6]", false),
    ])
    func thePrefixIsThatOfTheIPv4HostWhereThereIsOne(left: String, right: String, isOne: Bool) {
        #expect((Endpoint("\(left):1")?.prefix == Endpoint("\(right):2")?.prefix) == isOne)
    }
}

@Suite struct BitfieldTests {
    @Test(arguments: [0, 1, 7, 8, 9, 63, 64, 65, 1000])
    func bytesRoundTrip(count: Int) {
        var generator = SeededGenerator(number: UInt64(count))
        var field = Bitfield(count: count)
        for index in 0..<count where Bool.random(using: &generator) { field[index] = true }
        #expect(field.bytes.count == (count + 7) / 8)
        #expect(Bitfield(field.bytes.span.bytes, count: count) == field)
        #expect(field.setIndices.allSatisfy { field[$0] })
        #expect(Array(field.setIndices).count == field.setCount)
        #expect(Bitfield(filled: count).isFull)
    }

    @Test func wrongLengthAndSpareBitsAreRefused() {
        #expect(Bitfield(([0xFF] as [UInt8]).span.bytes, count: 9) == nil)
        #expect(Bitfield(([0xFF, 0x80] as [UInt8]).span.bytes, count: 9)?.setCount == 9)
        #expect(Bitfield(([0xFF, 0xC0] as [UInt8]).span.bytes, count: 9) == nil)
    }

    @Test func lacksAnyOfSeesOnlyMissingBits() {
        var mine = Bitfield(count: 70)
        var theirs = Bitfield(count: 70)
        mine[3] = true
        theirs[3] = true
        #expect(!mine.lacksAny(of: theirs))
        theirs[69] = true
        #expect(mine.lacksAny(of: theirs))
    }
}

@Suite struct SeededGeneratorTests {
    /// RFC 7539's structure with 12 rounds; the words are those of the eSTREAM ChaCha12 vector for an all-zero 256-bit
    /// key.
    @Test func matchesTheChaCha12Vector() {
        var generator = SeededGenerator(number: 0)
        var bytes: [UInt8] = []
        for _ in 0..<4 { bytes.appendBigEndian(generator.next().byteSwapped) }
        #expect(Hex.encode(bytes) == "9bf49a6a0755f953811fce125f2683d50429c3bb49e074147e0089a52eae155f")
    }

    @Test func oneSeedGivesOneStreamAndChildrenAreIndependent() {
        var first = SeededGenerator(number: 7)
        var second = SeededGenerator(number: 7)
        var child = first.split()
        var twin = second.split()
        _ = twin.next()
        #expect(child.next() != first.next())
        _ = second.next()
        #expect(first.next() == second.next())
    }
}

@Suite struct InstantTests {
    @Test func arithmeticSaturates() {
        #expect(Instant.distantFuture + .seconds(1) == .distantFuture)
        #expect(Instant.origin + .seconds(1) == Instant(nanoseconds: 1_000_000_000))
        #expect(Instant(nanoseconds: 5) - Instant(nanoseconds: 2) == .nanoseconds(3))
        #expect(Duration.seconds(Int64.max).wholeNanoseconds == .max)
    }
}
