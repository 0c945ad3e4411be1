"""Where algorithms run: one contract, several engines."""
