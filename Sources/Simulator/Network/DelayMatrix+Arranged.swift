extension DelayMatrix {
    /// The matrix of hosts that sit at these rows of this one; several may sit at the same.
    func arranged(_ rows: [Int]) -> DelayMatrix {
        DelayMatrix(
            size: rows.count,
            milliseconds: rows.flatMap { from in rows.map { self[from % size, $0 % size] } })
    }
}
