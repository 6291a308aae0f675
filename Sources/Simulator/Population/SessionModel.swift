import Primitives
import RealModule

/// How long nodes stay: two exponentials, of guests and of residents.
///
/// Fitted to what Wang and Kangasharju's page on Mainline tells: half of all sessions are shorter than 200 minutes,
/// 3% are longer than 150 hours. With residents that stay for 150 hours on average the other two figures follow.
package struct SessionModel: Equatable, Sendable {
    /// Of those who come.
    package var residentShare = 0.0815
    package var guestMean = Duration.seconds(256 * 60)
    package var residentMean = Duration.seconds(9000 * 60)

    package static let measured = SessionModel()

    package init() {}

    /// Everybody stays for so much shorter.
    package func accelerated(by factor: Double) -> SessionModel {
        var model = self
        model.guestMean = .seconds(guestMean.inSeconds / factor)
        model.residentMean = .seconds(residentMean.inSeconds / factor)
        return model
    }

    /// Of those who are there at any moment: long sessions are met more often than short ones.
    package var residentShareOfLiving: Double {
        let residents = residentShare * residentMean.inSeconds
        return residents / (residents + (1 - residentShare) * guestMean.inSeconds)
    }

    /// How many sessions are longer than this.
    package func survival(after time: Duration) -> Double {
        let seconds = time.inSeconds
        return residentShare * Double.exp(-seconds / residentMean.inSeconds)
            + (1 - residentShare) * Double.exp(-seconds / guestMean.inSeconds)
    }

    /// The time to the next departure, while so many are there.
    func nextDeparture(guests: Int, residents: Int, using generator: inout SeededGenerator) -> Duration? {
        let rate = departureRate(guests: guests, residents: residents)
        guard rate > 0 else { return nil }
        let share = Double.random(in: Double.leastNonzeroMagnitude...1, using: &generator)
        return .seconds(-Double.log(share) / rate)
    }

    /// Whether it is a guest who goes.
    func isGuestNext(guests: Int, residents: Int, using generator: inout SeededGenerator) -> Bool {
        let rate = departureRate(guests: guests, residents: residents)
        return Double.random(in: 0..<rate, using: &generator) < Double(guests) / guestMean.inSeconds
    }

    private func departureRate(guests: Int, residents: Int) -> Double {
        Double(guests) / guestMean.inSeconds + Double(residents) / residentMean.inSeconds
    }
}
