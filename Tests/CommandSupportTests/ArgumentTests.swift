import ArgumentParser
import Foundation
import Metainfo
import Primitives
import Testing
import Transport

@testable import CommandSupport

@Suite struct ArgumentTests {
    @Test(arguments: [
        ("127.0.0.1:6881", "127.0.0.1:6881"), ("[::1]:1", "[::1]:1"), ("router.example:80", "router.example:80"),
    ])
    func endpointsAndNamesAreParsed(text: String, expected: String) {
        #expect(PeerAddress(argument: text)?.description == expected)
    }

    @Test(arguments: ["", "127.0.0.1", "1.2.3.4:0", "1.2.3.4:70000", "::1:80", "a b:80", "host:", ":80", "[host]:1"])
    func brokenEndpointsAreRefused(text: String) {
        #expect(PeerAddress(argument: text) == nil)
    }

    @Test func bindTargetsAreAddressesOrInterfaces() {
        #expect(BindTarget(argument: "127.0.0.9") == .address(.v4(127, 0, 0, 9, port: 0)))
        #expect(BindTarget(argument: "[::1]") == BindTarget(argument: "::1"))
        #expect(BindTarget(argument: "wg0") == .interface("wg0"))
        #expect(BindTarget(argument: "300.1.1.1:5") == nil)
        #expect(BindTarget(argument: "averyveryverylongname") == nil)
    }

    @Test(arguments: [("30", 30_000), ("0.5", 500), ("1e2", 100_000), ("0.0001", 1)])
    func secondsAreParsed(text: String, milliseconds: Int) {
        #expect(Seconds(argument: text)?.duration == .milliseconds(milliseconds))
    }

    @Test(arguments: ["0", "-1", "nan", "inf", "1e20", "5m", ""])
    func timesThatAreNoneAreRefused(text: String) {
        #expect(Seconds(argument: text) == nil)
    }

    @Test(arguments: [
        ("0", 0), ("16384", 16_384), ("16K", 16_384), ("16KiB", 16_384), ("1M", 1 << 20), ("2g", 2 << 30),
    ])
    func sizesAreParsed(text: String, bytes: Int) {
        #expect(ByteCount(argument: text)?.bytes == bytes)
    }

    @Test(arguments: ["", "K", "-1", "1.5M", "9999999999T", "12 X", "1 KiB"])
    func sizesThatAreNoneAreRefused(text: String) {
        #expect(ByteCount(argument: text) == nil)
    }

    @Test func bothFamiliesAloneExcludeEachOther() {
        #expect(throws: (any Error).self) { try NetworkOptions.parse(["--ipv4", "--ipv6"]) }
    }

    @Test func namesAreRefusedWithoutDNS() throws {
        #expect(throws: (any Error).self) { try NetworkOptions.parse(["--no-dns", "--bootstrap", "a.example:1"]) }
        _ = try NetworkOptions.parse(["--no-dns", "--bootstrap", "127.0.0.1:1"])
    }

    @Test func aPrivateNetworkHasNoBuiltInNodes() throws {
        let configuration = try NetworkOptions.parse(["--network", "private"]).configuration(defaultPort: 0)
        #expect(configuration.bootstrap.isEmpty)
        #expect(try NetworkOptions.parse([]).configuration(defaultPort: 0).bootstrap.count == Routers.builtIn.count)
    }

    @Test func theStageLimitsHaveTheDefaultsOfTheContract() throws {
        #expect(try StageOptions.parse([]).limits == StageLimits())
        let limits = try StageOptions.parse(["--stall-timeout", "2.5", "--timeout", "60"]).limits
        #expect(limits.stall == .milliseconds(2_500))
        #expect(limits.total == .seconds(60))
    }

    @Test func theBuiltInRoutersAreThoseOfTheList() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try String(contentsOf: root.appending(path: "Bootstrap/routers.txt"), encoding: .utf8)
        let listed = text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map(String.init)
        #expect(Routers.builtIn == listed, "run Bootstrap/routers")
        #expect(listed.allSatisfy { PeerAddress($0) != nil })
        #expect(!listed.isEmpty)
    }
}
