"""Where the files of nodes are on this machine: any number of them, told apart by their names."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from hanse_core.errors import Invalid, NotFound
from hanse_node.settings import Settings
from hanse_node.settings_file import load


def folders(environment: Mapping[str, str] | None = None) -> list[Path]:
    """Give the folders in which files of nodes are looked for: ours first, then those of vantage6."""
    environment = os.environ if environment is None else environment
    home = Path(environment.get("XDG_CONFIG_HOME") or Path(environment.get("HOME", "/")) / ".config")
    ours = [home / "hanse" / "nodes", Path("/etc/hanse/nodes")]
    return [*ours, home / "vantage6" / "node", Path("/etc/vantage6/node")]


def configured(environment: Mapping[str, str] | None = None) -> dict[str, Path]:
    """Give the files of all nodes in the usual folders, by name; of two with one name the first."""
    found: dict[str, Path] = {}
    for path in _files(environment):
        found.setdefault(path.stem, path)
    return found


def settings_of(config: Path | None, name: str | None, environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings of the node that is meant. Raises `Invalid` or `NotFound` saying how to name one."""
    if config is not None:
        return load(config, name, environment)
    known = configured(environment)
    if name is None and len(known) == 1:
        (config,) = known.values()
        return load(config, None, environment)
    if name is None:
        choice = f"one of these with --name: {', '.join(sorted(known))}" if known else "its file with --config"
        raise Invalid(f"say which node is meant: {choice}")
    if name not in known:
        looked = ", ".join(str(folder) for folder in folders(environment))
        raise NotFound(f"there is no {name}.yaml in {looked}; name its file with --config")
    return load(known[name], name, environment)


def _files(environment: Mapping[str, str] | None) -> Iterator[Path]:
    for folder in folders(environment):
        if folder.is_dir():
            yield from sorted(path for path in folder.glob("*.yaml") if not path.name.endswith(".policy.yaml"))
