// CommandSupport: see docs/architecture.md.
