import NIOCore
import Primitives
import Testing

@testable import Transport

@Suite(.timeLimit(.minutes(10))) struct EndpointConversionTests {
    @Test(arguments: [
        Endpoint.v4(127, 1, 2, 3, port: 6881), .v4(255, 0, 0, 1, port: 65_535),
        .v6(EndpointV6(high: 0x2001_0DB8_0102_0304, low: 0x0506_0708_090A_0B0C, port: 1)),
    ])
    func endpointsSurviveTheSystemsForm(endpoint: Endpoint) throws {
        let address = try endpoint.socketAddress
        #expect(Endpoint(address) == endpoint)
        #expect(address.ipAddress == endpoint.hostText)
        #expect(address.port == Int(endpoint.port))
    }

    @Test func aPathIsNoEndpoint() throws {
        #expect(Endpoint(try SocketAddress(unixDomainSocketPath: "/tmp/socket")) == nil)
    }
}
