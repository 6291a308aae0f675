import Foundation
import Glibc
import Synchronization

/// A shell that outlives this process by a moment: whatever way the tests end, also killed or crashed, it kills the
/// processes and removes the folders that are still written down with it.
///
/// It reads `+ WHAT` and `- WHAT` a line, and acts when its standard input ends. Pids are taken off the list as soon as
/// they are reaped, so that none is ever killed that the system has given to somebody else.
enum Leash {
    static func hold(_ pid: pid_t) { tell("+ \(pid)") }
    static func release(_ pid: pid_t) { tell("- \(pid)") }
    static func hold(folder: String) { tell("+ \(folder)") }
    static func release(folder: String) { tell("- \(folder)") }

    private static let script = """
        held=" "
        while read -r verb what; do
            case "$verb" in
                +) held="$held$what " ;;
                -) case "$held" in *" $what "*) held="${held%% "$what" *} ${held#* "$what" }" ;; esac ;;
            esac
        done
        for what in $held; do case "$what" in /*) ;; *) kill -KILL "$what" ;; esac; done 2> /dev/null
        for what in $held; do case "$what" in /*) rm -rf "$what" ;; esac; done
        """

    /// Its standard input; the end of this process is the end of that.
    private static let line: Mutex<Line?> = {
        guard let line = try? Line() else { return Mutex(nil) }
        let environment = ["PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"]
        let shell = try? spawn(
            ["sh", "-c", script], input: line.far, output: "/dev/null", errors: "/dev/null", environment: environment)
        line.closeFar()
        return Mutex(shell == nil ? nil : line)
    }()

    private static func tell(_ text: String) {
        line.withLock { $0?.write(text) }
    }
}
