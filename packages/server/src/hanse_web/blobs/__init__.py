"""Large values outside the database: where they are put, read from in parts, and deleted."""
