"""Checked by mypy (see test_typing.py), never run: what type checkers and editors see of the two modes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from hanse import Answers, AsyncClient, Client
from hanse_core.wire.accounts import Organization


def blocking(client: Client) -> None:
    one: Organization = client.organizations.get(2)
    many: list[Organization] = client.organizations.list(limit=3)
    lazily: Iterator[Organization] = client.organizations.iterate(name="a%")
    answers: Answers = client.tasks.run(collaboration="lung", image="i", method="m", organizations=[one.id])
    client.organizations.get("2")  # type: ignore[arg-type]
    client.tasks.create(colaboration="lung", image="i", method="m")  # type: ignore[call-arg]
    print(many, lazily, answers)


async def awaiting(client: AsyncClient) -> None:
    one: Organization = await client.organizations.get(2)
    many: list[Organization] = await client.organizations.list(limit=3)
    lazily: AsyncIterator[Organization] = client.organizations.iterate(name="a%")
    answers: Answers = await client.tasks.run(collaboration="lung", image="i", method="m", organizations=[one.id])
    not_yet: Organization = client.organizations.get(2)  # type: ignore[assignment]
    print(many, lazily, answers, not_yet)
