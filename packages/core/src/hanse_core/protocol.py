"""Facts of the v4 wire that server, node and client must agree on."""

import base64
import binascii
import re

API_VERSION = "4.15.2"
"""What `GET /version` reports: stock command lines choose the node image by its first two numbers."""

API_PATH = "/api"
NAMESPACE = "/tasks"
"""The Socket.IO namespace in which all events travel."""

DEFAULT_PAGE_SIZE = 10
KEEPALIVE_SECONDS = 15.0
"""A held answer sends one blank this often, so that proxies between keep the connection open."""
_BLOB_NAME = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def is_blob_name(text: str) -> bool:
    """Tell whether a text is the name of a value in the server's blob store, and so leads nowhere else."""
    return _BLOB_NAME.fullmatch(text) is not None


def encode_variable(value: object) -> str:
    """Encode the value of a container's environment variable: Base32 with `!` for the padding; empty stays empty."""
    return base64.b32encode(str(value).encode()).decode("ascii").replace("=", "!")


def decode_variable(value: str) -> str:
    """Undo `encode_variable`; a value that is not Base32 is given back unchanged."""
    try:
        return base64.b32decode(value.replace("!", "=")).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return value
