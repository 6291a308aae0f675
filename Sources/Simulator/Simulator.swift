// Simulator: whole networks of the node that runs in production, on a virtual clock.
//
// `VirtualNetwork` is a driver like the one on sockets, and a sibling of it: it feeds `Kademlia.Node` values with real
// encoded packets and the time, and carries what they send with a latency and some loss. It never waits: time jumps
// from event to event.
//
// The contract of every driver holds here too, and this is where it is tested at scale:
// 1. after each fact the outbox is drained at once, so an effect never overtakes its cause;
// 2. `timedOut` is called at or after `nextDeadline`, sometimes early: one timer is armed for each node;
// 3. time never runs back.
//
// One seed decides everything: ids, latencies, losses, who announces and who asks. The digest in the report covers
// every byte sent and every event told, with its time, so two runs that agree in it were the same run.
//
//   Network/       the wires: hosts, latency, faults, translators, the clock; what happens to each packet
//   Population/    who lives at the hosts: policies, clients, sessions; joining, leaving
//   Adversaries/   those who mean harm
//   Scenarios/     what is done in a network, and measured
//   Magnet/        magnets for whole clients in such a network: who announced, who of them is there
//   Swarm/         whole clients with links that they share, on a clock of its own
//   Report/        figures
