"""Proving who one is: passwords, tokens and lockout."""
