// Metainfo: see docs/architecture.md.
