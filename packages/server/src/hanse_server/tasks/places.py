"""From the settings to the stores of large values."""

import os
from collections.abc import Mapping
from pathlib import Path

from hanse_core.errors import Invalid
from hanse_server.settings import Settings
from hanse_server.settings.stores import StoreSettings
from hanse_server.tasks.values import Place
from hanse_web.blobs.base import BlobStore
from hanse_web.blobs.files import FileBlobs
from hanse_web.blobs.objects import azure_blobs, azure_options, s3_blobs
from hanse_web.db import sqlite_file


def make_stores(settings: Settings) -> Mapping[Place, BlobStore]:
    """Make the stores that are set; nothing is written or asked of them yet."""
    places = {Place.VALUES: settings.blobs, Place.BLOBS: settings.large_result_store}
    return {place: _store(chosen, _folder(settings, place)) for place, chosen in places.items() if chosen is not None}


def require_writable(settings: Settings) -> None:
    """Refuse folders in which no value could be kept. Raises `Invalid`."""
    for place, store in make_stores(settings).items():
        if isinstance(store, FileBlobs) and not _is_writable(store.folder):
            section = "blobs" if place is Place.VALUES else "large_result_store"
            raise Invalid(
                f"the folder {store.folder.absolute()} for large values is missing or cannot be written; "
                f"create it, or name another one in `{section}.folder`"
            )


def _is_writable(folder: Path) -> bool:
    nearest = folder if folder.exists() else folder.absolute().parent  # which the store makes the folder in
    return nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)


def _folder(settings: Settings, place: Place) -> Path:
    database = sqlite_file(settings.uri)
    return Path(f"{database or 'hanse-server'}.{place.value}")


def _store(chosen: StoreSettings, folder: Path) -> BlobStore:
    if chosen.type == "s3":
        return s3_blobs(
            chosen.bucket or "",
            chosen.prefix,
            region=chosen.region,
            endpoint=chosen.endpoint,
            access_key_id=chosen.access_key_id,
            secret_access_key=chosen.secret("secret_access_key"),
            virtual_hosted_style_request=False if chosen.endpoint else None,
        )
    if chosen.type == "azure":
        return azure_blobs(chosen.container_name or "", chosen.prefix, **_azure_login(chosen))
    return FileBlobs(chosen.folder or folder)


def _azure_login(chosen: StoreSettings) -> Mapping[str, str | None]:
    text = chosen.secret("connection_string")
    if text is not None:
        return azure_options(text)
    return {
        "account_name": chosen.storage_account_name,
        "tenant_id": chosen.tenant_id,
        "client_id": chosen.client_id,
        "client_secret": chosen.secret("client_secret"),
    }
