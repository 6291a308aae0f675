// Kademlia: see docs/architecture.md.
