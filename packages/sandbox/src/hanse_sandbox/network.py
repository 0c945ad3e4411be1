"""A federation as an operator would run it: one server and a node for each station, each a process of its own."""

import secrets
import string
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from hanse import Client
from hanse_core.errors import HanseError
from hanse_sandbox.processes import Process, free_port

START_SECONDS = 30.0
ALGORITHMS = {
    "hanse/summary": "hanse_summary",
    "hanse/crosstab": "hanse_crosstab",
    "hanse/kaplan-meier": "hanse_kaplan_meier",
    "hanse/glm": "hanse_glm",
}
"""The shipped algorithms: image name and package."""


def password() -> str:
    """Make a random password that satisfies the policy for new ones."""
    alphabet = string.ascii_letters + string.digits
    return "".join(secrets.choice(alphabet) for _ in range(16)) + "-aA1"


class Server:
    """The central server of a sandbox, on a free port, with SQLite in the sandbox's folder."""

    def __init__(self, folder: Path, port: int | None = None, **settings: Any) -> None:
        self.port = port or free_port()
        self.root_password = password()
        self._config = folder / "server.yaml"
        self._settings = {"ip": "127.0.0.1", "port": self.port, "uri": f"sqlite:///{folder / 'server.sqlite'}"}
        self.configure(**settings)
        self.process = Process(
            "the server",
            ["server", "start", "--config", str(self._config)],
            folder / "server.log",
            {"HANSE_SERVER_ROOT_PASSWORD": self.root_password},
        )

    def configure(self, **settings: Any) -> None:
        """Set or change settings; they count from the next start on."""
        self._settings |= settings
        self._config.write_text(yaml.safe_dump(self._settings))

    @property
    def host(self) -> str:
        """The address that it listens on (`ip`)."""
        return str(self._settings["ip"])

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.process.start()
        self.process.wait_until(self._answers, START_SECONDS, "answered")

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/api/version", timeout=2) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def root(self) -> Client:
        """Give a client of the administrator."""
        return Client(self.url, "root", self.root_password)


class Station:
    """One data station of a sandbox: its data, its configuration, its node process."""

    def __init__(
        self,
        name: str,
        folder: Path,
        server: Server,
        api_key: str,
        data: Mapping[str, Path],
        images: Mapping[str, Any] = ALGORITHMS,
        **settings: Any,
    ) -> None:
        self.name = name
        self.directory = folder / name
        self.directory.mkdir(exist_ok=True)
        key = self.directory / "api-key"
        key.touch(mode=0o600)
        key.write_text(api_key)
        configuration = {
            "api_key_file": str(key),
            "server_url": "http://127.0.0.1",
            "port": server.port,
            "api_path": "/api",
            "databases": [{"label": label, "uri": str(path), "type": "csv"} for label, path in data.items()],
            "encryption": {"enabled": False},
            "policies": {"allowed_algorithms": list(images)},
            "directory": str(self.directory),
            "share_algorithm_logs": True,
            "on_stop": "end",
            "images": {
                image: {"package": recipe, "python": sys.executable} if isinstance(recipe, str) else recipe
                for image, recipe in images.items()
            },
            **settings,
        }
        config = self.directory / "node.yaml"
        config.write_text(yaml.safe_dump(configuration))
        self.config = config
        self.process = Process(
            f"node {name}", ["node", "start", "--config", str(config), "--name", name], folder / f"{name}.log"
        )


@dataclass
class Network:
    """A running federation. Use as a context manager: what it started, it ends."""

    folder: Path
    server: Server = field(init=False)
    stations: dict[str, Station] = field(init=False, default_factory=dict)
    collaboration_id: int = field(init=False, default=0)
    organization_ids: dict[str, int] = field(init=False, default_factory=dict)
    researcher: str = "researcher"
    researcher_password: str = field(default_factory=password, repr=False)

    def __post_init__(self) -> None:
        self.server = Server(self.folder)

    def __enter__(self) -> "Network":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def federate(
        self,
        data: Mapping[str, Mapping[str, Path]],
        name: str = "demo",
        keys: Mapping[str, Path] | None = None,
        **settings: Any,
    ) -> None:
        """Register organizations, a collaboration, nodes and a researcher, and start a node for each station.

        `data` maps the name of a station to its databases (label to CSV file). With `keys`, the file with the private
        key of each station, all is encrypted.
        """
        root = self.server.root()
        self.organization_ids = {station: root.organizations.create(station).id for station in data}
        collaboration = root.collaborations.create(
            name, list(self.organization_ids.values()), encrypted=keys is not None
        )
        self.collaboration_id = collaboration.id
        for station, databases in data.items():
            node = root.nodes.create(collaboration.id, organization_id=self.organization_ids[station], name=station)
            if node.api_key is None:
                raise HanseError(f"the server gave no API key for {station}")
            sealed = {"encryption": {"enabled": True, "private_key": str(keys[station])}} if keys else {}
            self.stations[station] = Station(
                station, self.folder, self.server, node.api_key, databases, **sealed, **settings
            )
        root.users.create(
            self.researcher,
            self.researcher_password,
            "researcher@example.org",
            organization_id=next(iter(self.organization_ids.values())),
            roles=["Researcher"],
        )
        root.close()

    def start_nodes(self) -> None:
        """Start all nodes side by side and wait until the server sees them."""
        for station in self.stations.values():
            station.process.start()
        with self.client() as client:
            for station in self.stations.values():
                self.wait_online(station, client)

    def wait_online(self, station: Station, client: Client, node_name: str | None = None) -> None:
        """Wait until the server sees the node of a station (by default it has the station's name)."""

        def is_online() -> bool:
            return any(node.status == "online" for node in client.nodes.list(name=node_name or station.name))

        station.process.wait_until(is_online, START_SECONDS, "come online")

    def client(self) -> Client:
        """Give a client of the researcher."""
        return Client(self.server.url, self.researcher, self.researcher_password)

    def stop(self) -> None:
        """End the nodes, then the server."""
        for station in self.stations.values():
            station.process.ask_to_stop()
        for station in self.stations.values():
            station.process.stop()
        self.server.process.stop()
