import ArgumentParser
package import Transport

extension BindTarget: ExpressibleByArgument {
    package init?(argument: String) { self.init(argument) }
}
