// PeerProtocol: see docs/architecture.md.
