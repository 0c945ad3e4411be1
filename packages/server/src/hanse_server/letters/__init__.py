"""The mails that the server writes to people."""
