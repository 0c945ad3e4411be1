"""Collaborations, studies and nodes."""
