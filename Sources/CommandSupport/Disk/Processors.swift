import Glibc

/// The processors of this machine.
enum Processors {
    /// How many there are; 1 where the system does not tell.
    static var count: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }
}
