package import Metainfo
package import Primitives

/// What one download wants, and what there is to get it with.
package struct GetPlan: Equatable, Sendable {
    package enum Goal: Equatable, Sendable { case metadata, files, seeding }

    package var infoHash: InfoHash
    /// The display name of the magnet, or the name in the .torrent; from the network.
    package var name: String?
    package var goal = Goal.files
    package var usesDHT = true
    /// How many trackers are asked.
    package var trackers = 0
    /// How many bootstrap nodes are asked, for the message when none answers.
    package var bootstrapNodes = 0
    /// Where the files go, for the messages.
    package var directory = "."
    /// They are gone when the run ends.
    package var isScratch = false
    /// Known from the start when the source is a .torrent.
    package var info: Info?
    /// Which files are wanted; nil for all.
    package var selection: FileSelection?
    /// One file is wanted, and no more.
    package var wantsOneFile = false
    package var limits = StageLimits()
    package var seedLimits = SeedLimits()
    /// Nothing is to be fetched: what is not on disk is an error.
    package var seedsOnly = false

    package init(infoHash: InfoHash) {
        self.infoHash = infoHash
    }

    /// Without an answer from the DHT there is nobody to name a peer.
    var waitsForDHT: Bool { usesDHT && trackers == 0 }
}

/// What the DHT node has done, over the whole run.
package struct NodeCounts: Equatable, Sendable {
    package var queriesSent = 0
    package var answers = 0
    /// Verified contacts in its tables.
    package var contacts = 0

    package init(queriesSent: Int = 0, answers: Int = 0, contacts: Int = 0) {
        self.queriesSent = queriesSent
        self.answers = answers
        self.contacts = contacts
    }
}
