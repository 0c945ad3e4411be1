"""One digest per job and image, whatever the registry says later."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from hanse_node.journal import Decision, Journal
from hanse_node.offers import Offer
from hanse_node.pins import Pins
from hanse_node.runs import LocalRun
from hanse_node.runtimes.base import ImageMissing


class Registry:
    """Gives another digest each time it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.open = asyncio.Event()
        self.open.set()

    async def resolve(self, image: str) -> str:
        self.asked.append(image)
        digest = f"sha256:{len(self.asked):064}"
        await self.open.wait()
        if image == "missing":
            raise ImageMissing("not there")
        return digest


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "journal.sqlite") as journal:
        yield journal


def claim(journal: Journal, run_id: int, job_id: int, digest: str) -> None:
    offer = Offer(run_id, run_id, job_id, "hanse/summary", "", None, None, None)
    journal.save(LocalRun(run_id), offer, Decision("claimed", "allowed", digest=digest))


async def test_runs_of_a_job_that_start_together_get_one_digest(journal: Journal) -> None:
    registry = Registry()
    registry.open.clear()
    pins = Pins(journal, registry.resolve)
    asking = [asyncio.create_task(pins.digest(1, "hanse/summary")) for _ in range(3)]
    await asyncio.sleep(0)
    registry.open.set()
    assert len(set(await asyncio.gather(*asking))) == 1
    assert registry.asked == ["hanse/summary"]


async def test_another_job_asks_anew(journal: Journal) -> None:
    pins = Pins(journal, Registry().resolve)
    assert await pins.digest(1, "hanse/summary") != await pins.digest(2, "hanse/summary")


async def test_after_a_restart_the_journal_knows(journal: Journal) -> None:
    registry = Registry()
    claim(journal, 1, 5, "sha256:first")
    claim(journal, 2, 5, "sha256:second")
    assert await Pins(journal, registry.resolve).digest(5, "hanse/summary") == "sha256:first"
    assert registry.asked == []


async def test_a_failure_is_not_remembered(journal: Journal) -> None:
    registry = Registry()
    pins = Pins(journal, registry.resolve)
    for _ in range(2):
        with pytest.raises(ImageMissing):
            await pins.digest(1, "missing")
    assert len(registry.asked) == 2


async def test_who_gives_up_leaves_the_question_to_the_next(journal: Journal) -> None:
    registry = Registry()
    registry.open.clear()
    pins = Pins(journal, registry.resolve)
    first, second = (asyncio.create_task(pins.digest(1, "hanse/summary")) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    registry.open.set()
    assert (await second).startswith("sha256:")
    assert first.cancelled()
