import CShims
import Glibc
import Primitives

/// libcurl's codes, as far as a GET over HTTP can end with them.
private enum CurlCode: CInt {
    case unsupportedProtocol = 1
    case failedToStart = 2
    case malformedURL = 3
    case notBuiltIn = 4
    case cannotResolveProxy = 5
    case cannotResolveHost = 6
    case cannotConnect = 7
    case outOfMemory = 27
    case timedOut = 28
    case tlsHandshake = 35
    case endedByCallback = 42
    case badArgument = 43
    case interfaceFailed = 45
    case tooManyRedirects = 47
    case unknownOption = 48
    case badOptionSyntax = 49
    case tlsEngineNotFound = 53
    case tlsEngineRefused = 54
    case tlsOwnCertificate = 58
    case tlsCipher = 59
    case tlsVerification = 60
    case fileTooLarge = 63
    case tlsCertificatesUnreadable = 77
    case tlsIssuer = 83
    case tlsCertificateStatus = 91
    case proxy = 97
    case tlsClientCertificate = 98
}

extension HTTPError {
    /// What libcurl's `code` means for `request`, of which the policy has refused an address.
    init(code: CInt, outcome: mainline_http_outcome, of request: HTTPRequest, refused: Endpoint?) {
        let reason = String(cString: outcome.reason).oneLine
        let code = CurlCode(rawValue: code)
        if let refused, code == .cannotConnect || code == .endedByCallback {
            self = .refusedByPolicy(refused)
            return
        }
        switch code {
        case .failedToStart, .outOfMemory, .unknownOption, .notBuiltIn: self = .cannotStart(reason)
        case .malformedURL, .badArgument, .badOptionSyntax:
            // A redirect can be malformed as well, and then it is the server that is to blame.
            self = outcome.status == 0 ? .badRequest(reason) : .badResponse(reason)
        case .cannotResolveProxy, .proxy: self = .proxyFailed(reason)
        case .cannotResolveHost where outcome.name_refused: self = .cannotResolve("names may not be looked up")
        case .cannotResolveHost: self = .cannotResolve(reason)
        case .cannotConnect where outcome.socket_error != 0:
            self = .cannotBind(String(cString: strerror(outcome.socket_error)))
        case .cannotConnect where request.route.proxy != nil: self = .proxyFailed(reason)
        case .cannotConnect: self = .cannotConnect(reason)
        case .interfaceFailed: self = .cannotBind(reason)
        case .timedOut: self = .timedOut(reason)
        case .tooManyRedirects: self = .tooManyRedirects(max: request.redirectsMax)
        case .fileTooLarge: self = .bodyTooLarge(bytesMax: request.bodyBytesMax)
        case .tlsHandshake, .tlsEngineNotFound, .tlsEngineRefused, .tlsOwnCertificate, .tlsCipher, .tlsVerification,
            .tlsCertificatesUnreadable, .tlsIssuer, .tlsCertificateStatus, .tlsClientCertificate:
            self = .tls(reason)
        case .unsupportedProtocol, .endedByCallback, nil: self = .badResponse(reason)
        }
    }
}

extension String {
    /// Without line breaks and other control characters: parts of it may come from a server.
    fileprivate var oneLine: String {
        String(UnicodeScalarView(unicodeScalars.map { $0.properties.generalCategory == .control ? " " : $0 }))
    }
}
