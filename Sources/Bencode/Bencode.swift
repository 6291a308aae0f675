// Bencode: see docs/architecture.md.
