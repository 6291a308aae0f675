import Foundation
import Testing

/// A disk that is too small.
extension EndToEnd {
    @Suite(
        .enabled(if: Machine.hasLibtorrent, Comment(rawValue: Machine.libtorrentReason)),
        .enabled(if: Machine.mayMount, Comment(rawValue: Machine.mountReason)),
        .timeLimit(.minutes(20)))
    struct DiskTests {
        @Test func aFullDiskIs7AndWhatIsVerifiedIsKept() async throws {
            try await Lab.run { lab in
                let size = 24 << 20
                let source = try lab.makeFile("seed/payload.bin", byteCount: size)
                let network = try await LibtorrentNetwork(in: lab)
                let seeder = try await LibtorrentSeeder(source, among: network, in: lab)
                let disk = try await SmallDisk(at: lab.makeFolder("disk"), mebibytes: 10, in: lab)
                let arguments = [seeder.magnet, "--json", "--bootstrap", network.bootstrap, "-o", disk.path]

                let first = try await lab.magnetget(arguments, in: disk.front, within: 30)
                #expect(first.code == 7, first.comment)
                let words = try #require(try first.event("error")?["message"]?.string, first.comment)
                #expect(words.lowercased().contains("no space"), first.comment)
                let uploaded = try await seeder.uploadedBytes()
                let kept = allocatedBytes(disk.seenFromOutside + "/payload.bin")
                #expect(kept > 4 << 20, "\(kept) bytes are kept; \(first)")

                try await disk.enlarge(mebibytes: 40)
                let second = try await lab.magnetget(arguments, in: disk.front, within: 30)
                #expect(second.code == 0, second.comment)
                #expect(areEqual(source, disk.seenFromOutside + "/payload.bin"))
                let downloaded = try second.event("completed")?["downloaded_bytes"]?.integer ?? .max
                #expect(downloaded < size - (4 << 20), "kept \(kept), first upload \(uploaded); \(second)")
            }
        }
    }
}

/// A tmpfs that only those see who enter its holder's namespace; it is gone with the holder.
struct SmallDisk {
    let path: String
    /// The front of a command that runs where the disk is mounted.
    let front: [String]
    private let holder: Child
    private let lab: Lab

    init(at path: String, mebibytes: Int, in lab: Lab) async throws {
        guard let ownMounts = Machine.ownMounts else { throw Trouble(Machine.mountReason) }
        let script = #"mount -t tmpfs -o "size=$2m" tmpfs "$1" && echo '{"event":"mounted"}' && read -r _"#
        holder = try lab.start(ownMounts + ["sh", "-c", script, "sh", path, String(mebibytes)], hasInput: true)
        _ = try await holder.wait(for: "mounted")
        let users = ownMounts.contains("--map-root-user") ? ["--user", "--preserve-credentials"] : []
        front = ["nsenter", "--target", String(holder.pid), "--mount"] + users + ["--"]
        self.path = path
        self.lab = lab
    }

    /// The disk's folder for those who have not entered.
    var seenFromOutside: String { "/proc/\(holder.pid)/root\(path)" }

    func enlarge(mebibytes: Int) async throws {
        let command = front + ["mount", "-o", "remount,size=\(mebibytes)m", path]
        let run = try await lab.start(command).end(within: 10)
        guard run.code == 0 else { throw Trouble("cannot enlarge the disk: \(run)") }
    }
}
