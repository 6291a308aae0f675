import ArgumentParser
import Glibc
import Metainfo

/// Bytes per piece on the command line: a power of two, 16 KiB to 512 MiB.
package struct PieceLength: Equatable, Sendable, ExpressibleByArgument {
    package let bytes: Int

    package init?(argument: String) {
        guard let count = ByteCount(argument: argument)?.bytes, count >= 16 << 10, count & (count - 1) == 0,
            MetainfoLimits.pieceLengths.contains(Int64(count))
        else { return nil }
        bytes = count
    }
}

/// The URL of a tracker on the command line.
package struct TrackerURL: Equatable, Sendable, ExpressibleByArgument {
    package let text: String

    package init?(argument: String) {
        let schemes = ["http://", "https://", "udp://", "ws://", "wss://"]
        guard let scheme = schemes.first(where: { argument.lowercased().hasPrefix($0) }),
            argument.utf8.count > scheme.utf8.count,
            argument.unicodeScalars.allSatisfy({ $0.value > 0x20 && !TerminalText.isDangerous($0) })
        else { return nil }
        text = argument
    }
}

/// A moment on the command line: seconds since 1970, or `now`.
package struct CreationDate: Equatable, Sendable, ExpressibleByArgument {
    package let seconds: Int64

    package init?(argument: String) {
        if argument == "now" {
            seconds = Int64(time(nil))
        } else {
            guard let number = Int64(argument), number >= 0 else { return nil }
            seconds = number
        }
    }
}
