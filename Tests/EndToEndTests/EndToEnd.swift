import Testing

/// The programs as users run them, beside real clients, on loopback.
///
/// Each test works in a `Lab`: a folder, addresses of its own in 127.0.0.0/8, and processes that are gone when it ends.
/// One test at a time, so that none takes the processor away from another's clock. What a test needs and the machine
/// does not have is a reason to skip it by name (`Machine`).
@Suite(.serialized) enum EndToEnd {}
