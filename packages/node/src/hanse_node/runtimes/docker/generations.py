"""For which version of the contract an image was made, told by the tools in it: those of 5 read other variables."""

from collections.abc import Iterator, Mapping

from hanse_node.runtimes.base import StartFailed
from hanse_node.runtimes.docker.engine import Engine, EngineRefused

ONLY_IN_5 = "vantage6/algorithm/decorator"
"""A package of the tools of version 5; those of version 4 have a module `tools/decorators` instead."""


class Generations:
    """Refuses images of version 5 before they are started; looks at each image once."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._spoken: set[str] = set()

    async def require_spoken(self, image_id: str, container: str) -> None:
        """Look into a container that was made of an image. Raises `StartFailed` when it is of version 5."""
        if image_id in self._spoken:
            return
        declared = (await self._engine.ask("GET", f"images/{image_id}/json"))["Config"].get("Env") or ()
        for folder in _libraries(dict(entry.partition("=")[::2] for entry in declared)):
            if await self._has(container, f"{folder}/{ONLY_IN_5}"):
                raise StartFailed(
                    "the image was made for vantage6 5, whose contract with algorithms this node does not speak: "
                    "use the version of the algorithm that was made for vantage6 4"
                )
        self._spoken.add(image_id)

    async def _has(self, container: str, path: str) -> bool:
        try:
            await self._engine.ask("HEAD", f"containers/{container}/archive", query={"path": path})
        except EngineRefused:  # not there, or below what is no folder: no reason not to start it
            return False
        return True


def _libraries(declared: Mapping[str, str]) -> Iterator[str]:
    """Give where the packages of an image's Python are, as its variables say; nothing for one that is no algorithm."""
    if "PKG_NAME" not in declared:
        return
    yield from filter(None, declared.get("PYTHONPATH", "").split(":"))
    version = ".".join(declared.get("PYTHON_VERSION", "").split(".")[:2])
    for home in ("/usr/local", declared.get("VIRTUAL_ENV")) if version else ():
        if home:
            yield f"{home}/lib/python{version}/site-packages"
