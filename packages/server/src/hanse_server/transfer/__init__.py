"""Moving from a v4 server, and back to one: its database, its configuration, its import files."""
