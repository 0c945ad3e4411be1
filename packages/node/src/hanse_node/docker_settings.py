"""What an operator decides about containers: the engine, how much a run may do there, and where images come from."""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from ipaddress import IPv4Network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator

from hanse_core.errors import Invalid
from hanse_node.policy.model import known_capability

Profile = Literal["strict", "v4"]


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ImageRules(_Frozen):
    """How containers of some images differ from the others; what relaxes is listed by `hanse node check`."""

    profile: Profile | None = None
    oci_runtime: str | None = None
    capabilities: Annotated[
        tuple[str, ...],
        BeforeValidator(lambda value: [value] if isinstance(value, str) else value),
        AfterValidator(lambda names: tuple(known_capability(name) for name in names)),
    ] = ()


class Docker(_Frozen):
    """The engine and what it is asked for."""

    host: Annotated[str, Field(pattern=r"^unix:///.+")] = "unix:///var/run/docker.sock"
    profile: Profile = "strict"
    images: dict[str, ImageRules] = {}
    user: Annotated[str, Field(pattern=r"^\d+:\d+$")] | None = None
    scratch_bytes: Annotated[int, Field(gt=0)] = 256 * 1024 * 1024
    oci_runtime: str | None = None
    addresses: IPv4Network | None = None
    firewall: Literal["manage", "verify"] = "manage"
    network_namespace: Path | None = None
    parallel_pulls: Annotated[int, Field(gt=0)] = 3
    pull_silence: Annotated[float, Field(gt=0)] = 120

    def rules(self, image: str) -> ImageRules:
        """Give what is configured for an image: the first pattern that covers its name."""
        found = next((rules for pattern, rules in self.images.items() if fnmatchcase(image, pattern)), ImageRules())
        missing = {"profile": found.profile or self.profile, "oci_runtime": found.oci_runtime or self.oci_runtime}
        return found.model_copy(update=missing)

    @property
    def oci_runtimes(self) -> tuple[str | None, ...]:
        """Name the OCI runtimes that runs may be under, each once; None is that of the engine."""
        others = (rules.oci_runtime for rules in self.images.values() if rules.oci_runtime)
        return tuple(dict.fromkeys([self.oci_runtime, *others]))

    def rules_for(self, image: str, profile: str | None, capabilities: Iterable[str]) -> ImageRules:
        """Give what holds for a run: what the policy says about its image, and otherwise these settings."""
        own = self.rules(image)
        together = tuple(sorted({*own.capabilities, *capabilities}))
        return own.model_copy(update={"profile": profile or own.profile, "capabilities": together})


class Registry(_Frozen):
    """Credentials of a private registry, as in stock files."""

    registry: str
    username: str
    password: SecretStr | None = None
    password_file: Path | None = None

    @model_validator(mode="after")
    def _one_password(self) -> "Registry":
        if (self.password is None) == (self.password_file is None):
            raise ValueError("exactly one of password and password_file must be given")
        return self

    @property
    def host(self) -> str:
        """Give the registry as the names of its images begin."""
        host = self.registry.removeprefix("https://").removeprefix("http://").partition("/")[0]
        return "docker.io" if host in ("index.docker.io", "registry-1.docker.io") else host

    def secret(self) -> str:
        """Give the password. Raises `Invalid` when its file cannot be read."""
        if self.password is not None:
            return self.password.get_secret_value()
        try:
            return Path(self.password_file or "").read_text().strip()
        except OSError as error:
            raise Invalid(f"password_file of the registry {self.registry} cannot be read: {error.strerror}") from error


class Devices(_Frozen):
    """Devices that every run gets, as in stock files."""

    gpu: bool = False
