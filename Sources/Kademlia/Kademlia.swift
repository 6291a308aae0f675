// Kademlia: the Mainline DHT node as one value (BEP 5, 32, 33, 42, 43, 44, 45, 51).
//
// `Node` is fed facts and the time, and answers into an `Outbox`: datagrams to send and events to tell.
//
//     node.received(packet, from: source, at: home, now: now, into: &outbox)
//     node.command(.lookup(id, target: infoHash, .getPeers), now: now, into: &outbox)
//     node.timedOut(now: now, into: &outbox)      // when `nextDeadline` has come
//
// The contract, for every driver (the sockets, the simulator, a test):
// 1. After each fact the driver empties the outbox: it sends the datagrams, tells the events, calls `clear()`.
//    Several facts may share one outbox before it is emptied; nothing in it is ever taken back.
// 2. `nextDeadline` is all that a driver knows of timers. A late `timedOut` is always safe, and so is an early
//    one or one too many. `nextDeadline` changes with any fact; the driver looks again after each.
// 3. Time never runs back: every `now` is at or after the one before.
// 4. Randomness comes from the generator given at birth: one seed and one history of facts give the same
//    outputs, to the byte. Nothing depends on the order of a hashed collection.
// 5. No packet can make the node trap or grow without bound: each store, queue and table has a limit in
//    `Configuration`, and `Statistics` counts what it refused.
//
// How the parts fit together, from the packet inwards:
//   Node/          the value itself: server, client, upkeep and bootstrap, one `Home` per local address
//   RoutingTable/  who we know: verified contacts in buckets of k that split on our own id
//   Lookup/        one walk towards a target: who to ask next, when it stalls, when it ends
//   Stores/        tokens that prove an address, peers that were announced to us, items that were put (BEP 44)
//   Items/         what an item's target and signature are, and our own that are kept up
//   Limits/        what those who ask may cost us and others, and what our own queries may
//   Identity/      BEP 42: which id belongs to our external address, and the votes that tell us that address
