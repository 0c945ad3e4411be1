"""Secrets that a setting or a file gives."""

from pathlib import Path

from pydantic import SecretStr

from hanse_core.errors import Invalid


def secret_text(name: str, value: SecretStr | None, file: Path | None) -> str | None:
    """Take a secret from its setting or its file; a line end after it does not count."""
    if value is not None:
        return value.get_secret_value()
    if file is None:
        return None
    try:
        return file.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise Invalid(f"{name}_file cannot be read: {error.strerror}: {file}") from error
    except UnicodeDecodeError as error:
        raise Invalid(f"{name}_file is not a text in UTF-8: {file}") from error
