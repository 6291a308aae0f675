import Metainfo

/// What `magnetget create` was told, before anything is looked at.
struct CreateConfiguration {
    var path: String
    /// Nil: the name with `.torrent`, in the current folder.
    var output: String?
    var overwrites = false
    var name: String?
    var pieceLength: Int?
    var trackers: [String] = []
    var nodes: [PeerAddress] = []
    var isPrivate = false
    var source: String?
    var comment: String?
    var creationDate: Int64?
    var takesHidden = false
    /// Padding lets every file begin with a piece (BEP 47).
    var isAligned = false
}
