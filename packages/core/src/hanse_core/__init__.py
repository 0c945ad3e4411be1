"""What client, node and server share: states, errors, permissions, wire models and encryption."""

__version__ = "0.3.0"
