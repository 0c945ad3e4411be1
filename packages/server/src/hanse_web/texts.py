"""Texts that others send: as every database can store them."""


def storable(text: str) -> str:
    """Replace what is no character, as decoders do; for texts that are not worth refusing what they come with."""
    return text.encode(errors="replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")
