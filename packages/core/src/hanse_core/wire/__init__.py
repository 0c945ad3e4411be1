"""Shapes of the REST API: what is sent in bodies, and what comes back as items."""
