"""End-to-end encryption of inputs and results, as on the v4 wire."""
