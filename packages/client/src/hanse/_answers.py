"""Reading the errors that answers carry."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from time import time

import httpx

from hanse_core.errors import HanseError, TooLarge, Unavailable, from_wire


def read_error(response: httpx.Response) -> HanseError:
    """Rebuild the error that the server raised."""
    try:
        body = response.json()
    except ValueError:
        body = None
    error = _of_another(response) if body is None else None
    if error is None:
        error = from_wire(response.status_code, body)
    error.status = response.status_code
    pause = retry_after(response)
    error.retry_after = None if pause is None else round(pause)
    return error


def _of_another(response: httpx.Response) -> HanseError | None:
    """Explain the answers of what stands before a server, or of something that is none."""
    if response.status_code == 404:
        return Unavailable(f"{response.url} is unknown there; is this the address of a Hanse or vantage6 server?")
    if response.status_code == 413:
        size = response.request.headers.get("Content-Length")
        told = f"{size} bytes are" if size else "the request is"
        return TooLarge(
            f"{told} more than is let through to {response.url.host}: a proxy before the server has a limit of its own"
        )
    if response.status_code == 429:
        return Unavailable(f"{response.url.host} says that there were too many requests; try again later")
    return None


def retry_after(response: httpx.Response) -> float | None:
    """Give the seconds that an answer asks to wait, by number or by date."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time()) if text else None
    except (ValueError, TypeError):
        return None
