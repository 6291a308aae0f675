import CommandSupport
import Digest
import KRPC
import Kademlia
import Metainfo
import Primitives

/// An item to be put, whose version may not be known yet.
struct PutDraft: Sendable {
    let value: [UInt8]
    /// Of the key of a mutable item.
    let seed: [UInt8]?
    let salt: [UInt8]
    /// Nil for the one after the newest that is there.
    let sequence: Int64?
    let expectedSequence: Int64?

    var target: ID160 {
        seed.map { Item.target(key: Ed25519.publicKey(seed: $0), salt: salt) } ?? Item(value: value).target
    }

    var needsLook: Bool { seed != nil && sequence == nil }

    /// The item, to follow what was found.
    func item(after newest: Item?) -> Item {
        guard let seed else { return Item(value: value) }
        // The same value again is the same version again, which every node takes.
        if sequence == nil, let newest, let signed = newest.signed, newest.value == value {
            return .signed(value: value, salt: salt, sequence: signed.sequence, seed: seed)
        }
        let next = newest?.signed.map { $0.sequence == .max ? .max : $0.sequence + 1 } ?? 1
        return .signed(value: value, salt: salt, sequence: sequence ?? next, seed: seed)
    }
}

/// A look at what is there, if the version depends on it, and a put; or puts until it is stopped.
struct PutTask: OneShotTask {
    private enum Stage { case looking, putting }

    private let draft: PutDraft
    private let keeps: Bool
    private let console: Console
    private var stage: Stage
    private var item: Item?
    private var retry = LookupRetry()
    private var isStored = false

    init(_ draft: PutDraft, keeps: Bool, _ console: Console) {
        self.draft = draft
        self.keeps = keeps
        self.console = console
        stage = draft.needsLook ? .looking : .putting
        if !draft.needsLook { item = draft.item(after: nil) }
    }

    let needsDHT = true
    var runsUntilStopped: Bool { keeps }
    let failure = OneShotEnd(exit: .nothingFound, message: "the item has not been stored in time")

    func start(now: Instant) -> Command {
        guard stage == .putting, let item else {
            return .lookup(.ofCommand, target: draft.target, .get(ItemWish(salt: draft.salt)))
        }
        if keeps { return .publish(.ofCommand, item) }
        return .lookup(.ofCommand, target: item.target, .put(item, expectedSequence: draft.expectedSequence))
    }

    mutating func happened(_ event: Event, now: Instant) -> OneShotStep {
        switch event {
        case .lookupFinished(.ofCommand, let report):
            // A publication that nobody answered is tried again by the node only in an hour.
            guard retry.isOver(report, now: now) else { return keeps ? .ask(.cancel(.ofCommand)) : .wait }
            guard stage == .putting, let item else {
                item = draft.item(after: report.item)
                stage = .putting
                return .ask(start(now: now))
            }
            return stored(item, report)
        case .publicationEnded(.ofCommand, let newer):
            let version = newer.signed.map { "version \($0.sequence)" } ?? "another version"
            return .end(OneShotEnd(exit: .nothingFound, message: "somebody with the key has put \(version)"))
        default: return .wait
        }
    }

    mutating func tick(now: Instant) -> OneShotStep { retry.isDue(now: now) ? .ask(start(now: now)) : .wait }

    private mutating func stored(_ item: Item, _ report: LookupReport) -> OneShotStep {
        guard report.announcedTo > 0 else { return keeps ? .wait : .end(failure(report)) }
        if !isStored { show(item) }
        isStored = true
        console.note("stored with \(HumanText.count(report.announcedTo, "node")); \(report.text)")
        console.event(
            JSONLine(
                event: "stored",
                ItemText.members(item) + [.init("stored_with", .integer(report.announcedTo))] + report.members))
        return keeps ? .wait : .end(.done)
    }

    private func show(_ item: Item) {
        console.result(item.target.hex)
        guard let signed = item.signed else { return }
        console.note("version \(signed.sequence) of key \(Hex.encode(signed.key))")
        guard KeyMagnet.infoHash(in: item.value) != nil else { return }
        console.result(KeyMagnet(key: signed.key, salt: signed.salt).text)
    }

    private func failure(_ report: LookupReport) -> OneShotEnd {
        if report.refused.unexpectedSequence > 0 {
            return OneShotEnd(
                exit: .nothingFound, message: "the nodes have another version than the one expected",
                advice: "dhtnode get tells which")
        }
        guard report.refused.sequenceTooLow > 0 else {
            return OneShotEnd(exit: .nothingFound, message: "no node has taken the item")
        }
        let newest = report.item?.signed.map { ": \($0.sequence)" } ?? ""
        return OneShotEnd(
            exit: .nothingFound, message: "the nodes have a version that is not older\(newest)",
            advice: "without --seq the next version is put")
    }
}
