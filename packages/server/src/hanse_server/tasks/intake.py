"""Inputs, results and logs that are too large to be held, taken out of the bodies that they come in."""

import secrets
from collections import deque
from collections.abc import AsyncIterator, Mapping
from typing import Annotated

from fastapi import Depends, Request

from hanse_core.errors import Denied, TooLarge
from hanse_core.permissions import Operation, Resource
from hanse_server.tasks import rules
from hanse_server.tasks.forms import Form
from hanse_server.tasks.run_service import Runs
from hanse_server.tasks.values import Arrived, Place, Uploader, Values
from hanse_web.access import Actor, NodeActor, UserActor
from hanse_web.auth import authenticate, require_node, require_user_or_container
from hanse_web.work import Work

MOST_TEXTS = 1_000
"""Long texts of one body: each costs a file and two transactions, however short it is."""


class TaskIntake:
    """Takes the long texts of one request: `input` and `result` into the store, `log` cut to what is kept of it."""

    def __init__(self, request: Request, values: Values) -> None:
        self.limit_bytes = values.settings.limit_bytes
        self.long_bytes = values.settings.inline_bytes
        self.arrived: dict[str, Arrived] = {}
        """By the text that stands for them in the body."""
        self._request = request
        self._values = values
        self._uploader: Uploader | None = None
        self._secret = secrets.token_hex(16)

    async def take(self, name: str, chunks: AsyncIterator[bytes]) -> str:
        """Take one text."""
        uploader = self._uploader = self._uploader or await self._admit()
        if len(self.arrived) >= MOST_TEXTS:
            raise TooLarge(f"a body may hold {MOST_TEXTS} long texts at most; make several tasks instead")
        if name == "log":
            return await shortened(chunks)
        if name not in ("input", "result"):
            raise TooLarge(f"only an input, a result or a log may be longer than {self.long_bytes} bytes, not {name!r}")
        form = Form()
        received = await self._values.receive(Place.VALUES, uploader, _judged(chunks, form))
        mark = f"{self._secret}{len(self.arrived)}"
        self.arrived[mark] = Arrived(received, form)
        return mark

    async def close(self) -> None:
        """Remove what became nobody's."""
        if self.arrived:
            await self._values.remove(Place.VALUES, [arrived.value.key for arrived in self.arrived.values()])

    async def _admit(self) -> Uploader:
        """Refuse early whom the request would be refused to anyway, before much of theirs is stored."""
        actor = await authenticate(self._request)
        await self._values.works.run(self._require_welcome, actor, write=False)
        return Uploader.of(actor)

    def _require_welcome(self, work: Work, actor: Actor) -> None:
        if self._request.method == "PATCH":
            node: NodeActor = require_node(actor)
            Runs(work, node).own(node, int(self._request.path_params["run_id"]))
        else:
            actor = require_user_or_container(actor)
            may_create = actor.permissions.widest(Resource.TASK, Operation.CREATE) is not None
            if isinstance(actor, UserActor) and not may_create:
                raise Denied("you may not create tasks")


async def _judged(chunks: AsyncIterator[bytes], form: Form) -> AsyncIterator[bytes]:
    async for chunk in chunks:
        form.feed(chunk)
        yield chunk


async def shortened(chunks: AsyncIterator[bytes]) -> str:
    """Read a log of any length, and keep of it what `rules.shortened` keeps, without ever holding more."""
    head = bytearray()
    tail: deque[bytes] = deque()
    length = 0
    async for chunk in chunks:
        taken = chunk[: rules.LOG_BYTES - len(head)]
        head += taken
        if len(taken) < len(chunk):
            tail.append(chunk[len(taken) :])
            length += len(tail[-1])
        while tail and length - len(tail[0]) >= rules.LOG_BYTES:
            length -= len(tail.popleft())
    return rules.shortened((bytes(head) + b"".join(tail)).decode(errors="replace"))


ArrivedValues = Mapping[str, Arrived]


async def _arrived(request: Request) -> ArrivedValues:
    intake: TaskIntake = request.state.intake
    return intake.arrived


LargeValues = Annotated[ArrivedValues, Depends(_arrived)]
"""The values that are not in the body any more, by what stands for them there."""
