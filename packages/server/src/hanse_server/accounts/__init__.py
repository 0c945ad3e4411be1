"""Organizations, users, roles and rules."""
