import Client
import Kademlia
import Metainfo
import PeerProtocol
import Primitives
import Swarm

/// Whole clients with access links, connections between them and disks, on a clock that goes in ticks.
///
/// Connections are fluid: what is written leaves at the max-min fair share of both ends' links, in order, and arrives
/// after the pair's delay. There is no loss and no slow start. Messages are real bytes; of a piece message only the
/// head is made, and the client is shown the same zeros for every payload.
struct SwarmNetwork {
    let options: SwarmOptions
    let info: Info
    var hosts: [SwarmHost] = []
    // Of each host but the rude ones, which come last; apart, because a look at one must not copy the others.
    var clients: [Client] = []
    var disks: [SwarmDisk] = []
    /// The scripted peers of the hosts behind those with clients.
    var rudePeers: [RudePeer] = []
    /// Nil in a swarm where downloaders know the torrent and are told of peers once.
    var tracker: SwarmTracker?
    /// The lane that a connection sends on; only looked up.
    var lanesByHandle: [[PeerHandle: Int]] = []
    /// The client reads nothing: its disk is behind.
    var isPaused: [Bool] = []
    /// What its blocks come to where it lies; 0 where it does not.
    var lies: [BlockDigest] = []
    var lanes: [Lane] = []
    var calendar: SwarmCalendar
    var outbox = Client.Outbox()
    var counters = Counters()
    var digest = RunDigest()
    /// Hosts whose client has asked for its storage.
    var opening: [Int] = []
    /// Asked for and not yet told.
    var digested: [(host: Int, torrent: TorrentHandle, piece: Int, blocks: [BlockDigest])] = []
    /// Hosts that read again.
    var resumed: [Int] = []
    var addresses: [Endpoint: Int] = [:]
    /// How far each host is from the middle of the network.
    var distances: [Duration] = []
    /// Whom each host is told of when it joins.
    var acquaintances: [[Endpoint]] = []
    /// Downloaders that are not finished, and the pieces that all of them have.
    var unfinished = 0
    var verifiedPieces = 0
    /// Reused: what is read from a lane, and the head of a block with its payload of zeros.
    var scratch: [UInt8] = []
    var blockBytes = [UInt8](repeating: 0, count: Lane.blockHeadBytes + BlockRequest.usualLength)

    private var fair: FairShare
    private var flows: [FairShare.Flow] = []
    /// Lanes with a backlog, those that got it first before the others.
    private var listed: [Int] = []
    private var flowLanes: [Int] = []
    private var blocks: [BlockRequest] = []
    private var sent: [(lane: Int, block: BlockRequest)] = []
    let tickSeconds: Double

    struct Counters {
        /// Events that a client was told of.
        var facts = 0
        /// What left the links, messages and all, in bytes.
        var seedBytes = 0
        var peerBytes = 0
    }

    init(_ options: SwarmOptions, info: Info) {
        self.options = options
        self.info = info
        tickSeconds = options.tickLength.inSeconds
        let horizon = max(options.joinWindow, options.roundTrip * 4, options.announceInterval ?? .zero)
        calendar = SwarmCalendar(horizonTicks: Int(horizon.inSeconds / tickSeconds) + 8)
        let count = options.hostCount
        let (seedRate, upRate, downRate) = (options.seedRate, options.upRate, options.downRate)
        let up = (0..<count).map { $0 == 0 ? seedRate : upRate }
        let down = (0..<count).map { $0 == 0 ? seedRate : downRate }
        let seconds = tickSeconds
        fair = FairShare(capacities: (up + down).map { $0 * seconds })
    }

    var now: Instant { Instant(nanoseconds: Int64(calendar.tick) * options.tickLength.wholeNanoseconds) }

    /// Lets one tick pass.
    mutating func step() {
        calendar.advance()
        moveBytes()
        // What clients do now may be put down for now.
        while true {
            let entries = calendar.takeEntries()
            if entries.isEmpty { break }
            for entry in entries { happen(entry) }
        }
        moveDisks()
        for host in clients.indices {
            guard let deadline = clients[host].nextDeadline, deadline <= now else { continue }
            tell(host) { $0.timedOut(now: $1, into: &$2) }
        }
        for number in rudePeers.indices where rudePeers[number].nextTurn <= now {
            tellRude(clients.count + number) { $0.timedOut(now: $1, into: &$2) }
        }
    }

    /// Shares the links among all that has a backlog, and lets so much of it leave.
    private mutating func moveBytes() {
        flows.removeAll(keepingCapacity: true)
        flowLanes.removeAll(keepingCapacity: true)
        var kept = 0
        for lane in listed {
            guard lanes[lane].backlog > 0 else {
                lanes[lane].isListed = false
                continue
            }
            listed[kept] = lane
            kept += 1
            // A host that does not read soon has a closed window.
            guard !isPaused[lanes[lane].receiver], lanes[lane].window > 0 else { continue }
            flows.append(
                FairShare.Flow(
                    up: lanes[lane].sender, down: hosts.count + lanes[lane].receiver,
                    demand: Double(min(lanes[lane].backlog, lanes[lane].window))))
            flowLanes.append(lane)
        }
        listed.removeSubrange(kept...)
        fair.divide(among: &flows)
        for (flow, lane) in flowLanes.enumerated() { leave(lane, flows[flow].share) }
        for (lane, block) in sent {
            guard let handle = lanes[lane].senderHandle, !isRude(lanes[lane].sender) else { continue }
            tell(lanes[lane].sender) { $0.blockSent(block, to: handle, now: $1, into: &$2) }
        }
        sent.removeAll(keepingCapacity: true)
    }

    private mutating func leave(_ lane: Int, _ share: Double) {
        let (items, bytes) = lanes[lane].leave(share, blocks: &blocks)
        if lanes[lane].sender == 0 { counters.seedBytes += bytes } else { counters.peerBytes += bytes }
        for block in blocks { sent.append((lane, block)) }
        blocks.removeAll(keepingCapacity: true)
        guard items > 0 else { return }
        calendar.put(.arrival(lane: lane, items: items), afterTicks: lanes[lane].delayTicks)
    }

    private mutating func moveDisks() {
        for host in opening {
            let have = disks[host].initial
            tell(host) { $0.storageOpened(SwarmHost.torrent, have: have, now: $1, into: &$2) }
        }
        opening.removeAll()
        let answers = digested
        digested.removeAll()
        for (host, torrent, piece, blocks) in answers {
            tell(host) { $0.blocksDigested(piece, blocks, of: torrent, now: $1, into: &$2) }
        }
        for host in disks.indices where !disks[host].isIdle {
            disks[host].advance(to: calendar.tick)
            while let verdict = disks[host].nextVerdict(at: calendar.tick) { judge(verdict, of: host) }
            tellBacklog(of: host)
        }
        let awake = resumed
        resumed.removeAll()
        for host in awake {
            for lane in lanes.indices where lanes[lane].receiver == host && lanes[lane].arrived > 0 { read(lane) }
        }
    }

    private mutating func judge(_ verdict: SwarmDisk.Verdict, of host: Int) {
        tell(host) { client, now, outbox in
            if let blocks = verdict.wrongBlocks {
                client.pieceFailed(verdict.piece, blocks: blocks, of: SwarmHost.torrent, now: now, into: &outbox)
            } else {
                client.pieceVerified(verdict.piece, of: SwarmHost.torrent, now: now, into: &outbox)
            }
        }
    }

    private mutating func tellBacklog(of host: Int) {
        let backlog = disks[host].backlog
        guard disks[host].isSlow, backlog != hosts[host].toldBacklog else { return }
        hosts[host].toldBacklog = backlog
        tell(host) { $0.storageBacklogChanged(of: SwarmHost.torrent, bytes: backlog, now: $1, into: &$2) }
    }

    /// The lane has something to send.
    mutating func list(_ lane: Int) {
        guard !lanes[lane].isListed else { return }
        lanes[lane].isListed = true
        listed.append(lane)
    }
}
