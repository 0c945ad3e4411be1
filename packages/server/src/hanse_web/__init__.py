"""Plumbing that the central server and the algorithm store share: requests, transactions, events, pages and errors."""
