"""The way from an algorithm to the server: one Unix socket and one token per run."""
