import ArgumentParser
import CommandSupport

// Before anything can start a thread.
Signals.takeOver()
await Magnetget.main()
