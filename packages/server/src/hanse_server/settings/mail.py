"""Settings of mail."""

from pathlib import Path
from typing import Annotated

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, SecretStr, model_validator
from typing_extensions import Self

from hanse_core.errors import HanseError
from hanse_server.settings.secrets import secret_text
from hanse_web.mail import SmtpServer, require_sender

SSL_PORT = 465
STARTTLS_PORT = 587
PLAIN_PORT = 25


class Smtp(BaseModel):
    """The server through which mail is sent; without `server` no mail is sent."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    server: str | None = None
    """Name or address of the mail server. Without it no mail is sent: nobody can reset a forgotten password."""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """Its port: by itself 465 with `MAIL_USE_SSL`, 587 with `MAIL_USE_TLS`, else 25."""
    username: str | None = None
    """Name to log in with at the mail server, if it wants that."""
    password: SecretStr | None = None
    """Password to log in with at the mail server."""
    password_file: Path | None = None
    """File that holds `smtp.password`."""
    email_from: str | None = None
    """Sender of mails: `name@example.org` or `A name <name@example.org>`; by itself the username, if that is one."""
    email_token_validity_minutes: Annotated[float, Field(gt=0)] | None = None
    """The same as `email_token_validity_minutes` outside of `smtp`, which goes before this one."""
    mail_use_tls: Annotated[bool, Field(validation_alias=AliasChoices("MAIL_USE_TLS", "mail_use_tls"))] = True
    """Whether the connection must be encrypted by STARTTLS; then nothing is sent where that fails."""
    mail_use_ssl: Annotated[bool, Field(validation_alias=AliasChoices("MAIL_USE_SSL", "mail_use_ssl"))] = False
    """Whether the connection is encrypted from its beginning; then `MAIL_USE_TLS` does not matter."""
    ca_file: Path | None = None
    """Certificates to trust beyond those of the system, for a mail server with one of a private authority."""
    timeout_seconds: Annotated[float, Field(gt=0)] = 20
    """How long the handing in of one mail may take."""

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.username and self.password is None and self.password_file is None:
            raise ValueError("username needs password or password_file")
        if self.server:
            try:
                require_sender(self.sender)
            except HanseError as error:
                raise ValueError(f"email_from is missing or wrong: {error.message}") from error
        return self

    @property
    def sender(self) -> str:
        return self.email_from or self.username or ""

    def connection(self) -> SmtpServer | None:
        """Say where mail is handed in; None where it is not."""
        if not self.server:
            return None
        by_kind = SSL_PORT if self.mail_use_ssl else STARTTLS_PORT if self.mail_use_tls else PLAIN_PORT
        return SmtpServer(
            host=self.server,
            port=self.port or by_kind,
            sender=self.sender,
            username=self.username or None,
            password=secret_text("smtp.password", self.password, self.password_file) if self.username else None,
            uses_ssl=self.mail_use_ssl,
            uses_starttls=self.mail_use_tls,
            ca_file=str(self.ca_file) if self.ca_file else None,
            timeout=self.timeout_seconds,
        )
