// Swarm: see docs/architecture.md.
