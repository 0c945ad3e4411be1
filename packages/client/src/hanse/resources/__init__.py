"""The kinds of objects that a server keeps, and what a user may ask of them."""
