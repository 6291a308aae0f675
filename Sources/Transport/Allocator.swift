import CShims

/// What a program tells the C library's allocator at its start.
package enum Allocator {
    /// Freed memory up to this much stays with the process instead of going back to the kernel page by page.
    static let keptBytes: CInt = 32 << 20

    /// Keeps read buffers that the storage's threads free from being unmapped and faulted in again.
    ///
    /// Call it first thing in `main`, before there are threads. It trades tens of MiB that stay resident for a fifth of
    /// the CPU time of a fast download (docs/decisions/0005-allocator.md). False when the C library refused.
    @discardableResult
    package static func tune() -> Bool {
        mainline_keep_freed_memory(keptBytes)
    }
}
