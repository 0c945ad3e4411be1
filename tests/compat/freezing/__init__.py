"""Keeps what a release leaves at those who use it, so that later ones can be tried on it: `make freeze RELEASE=…`.

A real server, node and client live through a short story (`story`) on SQLite and on PostgreSQL; what they leave is
packed as text (`packing`) beside the facts that must still be true later.
"""
