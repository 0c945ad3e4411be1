"""Inputs and results in the server's blob store: each is opened or sealed, and written down, piece by piece."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from hanse_core.errors import HanseError, Invalid
from hanse_core.protocol import is_blob_name
from hanse_node.threads import in_thread
from hanse_node.uplink.base import Uplink
from hanse_node.vault import Vault

if TYPE_CHECKING:
    from hanse_core.crypto.streams import Writer

_UNSUPPORTED = 501
_PIECE = 1 << 20


class BlobInput:
    """One input on its way; after a broken connection it goes on where it was."""

    def __init__(self, uplink: Uplink, vault: Vault, name: str, path: Path) -> None:
        self.path = path
        self._name = name.strip(" \"'")
        if not is_blob_name(self._name):
            raise Invalid("the input should be in a blob store, but what the server gives is no name of a blob")
        self._uplink = uplink
        self._opener = vault.opener()
        self._must_be_sealed = vault.encrypted
        self._received = 0
        path.write_bytes(b"")

    async def fetch(self) -> None:
        """Fetch what is still missing. Raises `Unreachable` when that may be tried again, else `Invalid`."""
        try:
            async for chunk in self._uplink.download(self._name, self._received):
                self._received += len(chunk)
                await in_thread(self._write, self._opener.feed(chunk))
        except HanseError as error:
            if error.status == _UNSUPPORTED:
                raise Invalid(f"the input lies in a blob store that the server has no more: {error.message}") from error
            raise
        await in_thread(self._write, self._opener.finish())
        if self._must_be_sealed and self._received and not self._opener.is_sealed:
            raise Invalid("the input is not encrypted, but the collaboration is")

    def _write(self, plain: bytes) -> None:
        with self.path.open("ab") as file:
            file.write(plain)


def write(plain: BinaryIO, writer: "Writer", path: Path) -> int:
    """Write a result down as the blob that it becomes, safe against a crash; give its size in bytes."""
    with path.open("wb") as blob:
        while piece := plain.read(_PIECE):
            blob.write(writer.feed(piece))
        blob.write(writer.finish())
        blob.flush()
        os.fsync(blob.fileno())
        return blob.tell()


async def send(uplink: Uplink, path: Path) -> str:
    """Upload a result; give the blob's name. Raises `Unreachable` when that may be tried again, else `Invalid`."""
    try:
        return await uplink.upload(path)
    except HanseError as error:
        if error.status == _UNSUPPORTED:
            raise Invalid(f"the server has no blob store any more: {error.message}") from error
        raise
