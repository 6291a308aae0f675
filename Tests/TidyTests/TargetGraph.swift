/// Which target may depend on which, and which side of the purity line it is on.
struct TargetGraph: Equatable {
    struct Target: Equatable {
        let name: String
        var targets: Set<String>
        var products: Set<String>
        let isPure: Bool
    }

    var targets: [Target] = []

    func target(_ name: String) -> Target? {
        targets.first { $0.name == name }
    }

    /// Reads the ```` ```targets ```` block of docs/architecture.md: `Name: Target Target (Product Product)` a line.
    init(document: String) {
        var inside = false
        var isPure = true
        for line in document.split(separator: "\n") {
            if line == "```targets" {
                inside = true
            } else if line == "```" {
                inside = false
            } else if inside, line.hasPrefix("---") {
                isPure = false
            } else if inside, let colon = line.firstIndex(of: ":") {
                let rest = line[line.index(after: colon)...]
                let halves = rest.split(separator: "(", omittingEmptySubsequences: false)
                let products = halves.count > 1 ? halves[1].prefix { $0 != ")" } : ""
                targets.append(
                    Target(
                        name: String(line[..<colon]),
                        targets: Set((halves.first ?? "").split(separator: " ").map(String.init)),
                        products: Set(products.split(separator: " ").map(String.init)),
                        isPure: isPure))
            }
        }
    }

    /// Reads `Package.swift`: the lists `pure` and `edge`, and the `let`s that stand for products.
    init(manifest: String) {
        let shorthands = Self.shorthands(in: manifest)
        for (list, isPure) in [("let pure: [Target] = [", true), ("let edge: [Target] = [", false)] {
            guard let start = manifest.firstRange(of: list) else { continue }
            let body = manifest[start.upperBound...].prefix(through: "\n]")
            for call in Self.calls(in: body) {
                var target = Target(name: call.name, targets: [], products: [], isPure: isPure)
                for dependency in call.dependencies {
                    if let product = shorthands[dependency] {
                        target.products.insert(product)
                    } else if dependency.hasPrefix("\"") {
                        target.targets.insert(dependency.trimming("\""))
                    } else {
                        target.products.insert("unknown shorthand \(dependency)")
                    }
                }
                targets.append(target)
            }
        }
    }

    private static func shorthands(in manifest: String) -> [String: String] {
        var found: [String: String] = [:]
        for line in manifest.split(separator: "\n") where line.hasPrefix("let ") {
            guard let product = line.firstRange(of: ".product(name: \""), let colon = line.firstIndex(of: ":") else {
                continue
            }
            found[String(line[..<colon].dropFirst(4))] = String(line[product.upperBound...].prefix { $0 != "\"" })
        }
        return found
    }

    private static func calls(in body: Substring) -> [(name: String, dependencies: [String])] {
        // The name of each target, then everything up to the next one; only `dependencies: [...]` counts in it.
        let parts = String(body).pieces(after: "name: \"")
        return parts.map { part in
            let name = part.prefix { $0 != "\"" }
            guard let list = part.firstRange(of: "dependencies: [") else { return (String(name), []) }
            let dependencies = part[list.upperBound...].prefix { $0 != "]" }.split { ", \n".contains($0) }
            return (String(name), dependencies.map(String.init))
        }
    }
}

extension Substring {
    /// Up to the first occurrence of `end`, or all of it.
    fileprivate func prefix(through end: String) -> Substring {
        firstRange(of: end).map { self[..<$0.lowerBound] } ?? self
    }
}

extension StringProtocol {
    func trimming(_ character: Character) -> String {
        String(drop { $0 == character }.reversed().drop { $0 == character }.reversed())
    }

    /// What follows each occurrence of `marker`, up to the next one.
    func pieces(after marker: String) -> [String] {
        let starts = ranges(of: marker)
        return starts.indices.map { index in
            let end = index + 1 < starts.count ? starts[index + 1].lowerBound : endIndex
            return String(self[starts[index].upperBound..<end])
        }
    }
}

extension TargetGraph {
    /// What a pure target may have of packages: collections and number functions only.
    private static let pureProducts: Set<String> = [
        "Collections", "HeapModule", "DequeModule", "OrderedCollections", "BasicContainers", "RealModule",
    ]

    /// Libraries from below the line that are functions of their input, and by whom they may be used.
    private static let pureInSpirit = ["Digest": ["CLibcrypto", "CSHA1"]]

    /// Arrows to something that is not listed before, to the far side of the line, or to an impure product.
    func upwardArrows() -> [String] {
        var seen: Set<String> = []
        var found: [String] = []
        for target in targets {
            let allowed = seen.union(Self.pureInSpirit[target.name] ?? [])
            for name in target.targets.sorted() where !allowed.contains(name) {
                found.append("\(target.name) -> \(name)")
            }
            if target.isPure {
                found += target.products.subtracting(Self.pureProducts).sorted().map { "\(target.name) -> \($0)" }
            }
            seen.insert(target.name)
        }
        return found
    }
}
