"""A whole federation on one machine: real processes, real patients' data, for the demo, for authors and for tests."""
