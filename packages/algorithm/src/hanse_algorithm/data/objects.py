"""Objects of S3 and of what speaks like it, as files; the library is imported when there is one to open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

SCHEME = "s3://"
_NAMES = ("access_key", "secret_key", "session_token", "region")


def opened(uri: str, parameters: Mapping[str, str]) -> Any:
    """Open `s3://bucket/key`; parts of it are fetched as they are read.

    Args:
        uri: where the object is.
        parameters: `access_key`, `secret_key`, `session_token` (without a key nobody is named), `region`, and
            `endpoint`, the address of a store that is not Amazon's.
    """
    from pyarrow import fs

    options: dict[str, Any] = {name: parameters[name] for name in _NAMES if name in parameters}
    if "access_key" not in options:
        options["anonymous"] = True
    endpoint = urlsplit(parameters.get("endpoint", "https://s3.amazonaws.com"))
    if "endpoint" in parameters:
        options |= {"endpoint_override": endpoint.netloc, "scheme": endpoint.scheme}
    proxy = getproxies().get(endpoint.scheme)
    if proxy and not proxy_bypass(endpoint.hostname or ""):
        options["proxy_options"] = proxy
    return fs.S3FileSystem(**options).open_input_file(uri.removeprefix(SCHEME))
