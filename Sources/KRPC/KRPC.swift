// KRPC: see docs/architecture.md.
