"""Finds the facts that the policy asks for, and lets it decide. Nothing of it takes the server's word for an image."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace

import structlog

from hanse_core.errors import HanseError, Unavailable
from hanse_node.offers import Offer
from hanse_node.pins import Pins
from hanse_node.policy import decision, stores
from hanse_node.policy.calls import Call
from hanse_node.policy.decision import Request, StoreAnswer, Terms, Verdict, allowed, denied
from hanse_node.policy.model import Policies
from hanse_node.policy_file import Rulebook
from hanse_node.uplink.base import Uplink

RESOLVE_SECONDS = 30.0
REMEMBERED = 1000
log = structlog.get_logger()


class Gate:
    """Judges runs before they start, and says on which terms they run."""

    def __init__(self, rulebook: Rulebook, uplink: Uplink, pins: Pins) -> None:
        self.rulebook = rulebook
        self._uplink = uplink
        self._pins = pins
        self._confirmed: OrderedDict[tuple[int, str, str], StoreAnswer] = OrderedDict()
        """What a store said about an image, for one job."""

    def at_sight(self, offer: Offer) -> Verdict:
        """Refuse what needs no further look; the rest is judged before it starts."""
        joined = self._uplink.identity.collaboration_id
        if offer.collaboration_id not in (None, joined):
            # Should the server move this node while it runs: `membership` looks only at the start.
            reason = f"the task is of collaboration {offer.collaboration_id}, this station joined {joined}"
            return denied("collaboration", reason)
        return allowed("at sight", "it is judged before it starts")

    async def judge(self, offer: Offer, call: Callable[[], Awaitable[Call]]) -> Verdict:
        """Decide by the edition in force. Raises `Unavailable` while the server does not answer."""
        edition = self.rulebook.edition
        request = Request(
            offer.image, offer.init_user, offer.init_org, databases=tuple(choice.label for choice in offer.databases)
        )
        if edition.problem:
            return edition.decide(request)
        policies, needs = edition.policies, decision.needs(edition.policies, request)
        if needs.organization_name and offer.init_org is not None:
            request = replace(request, init_org_name=await self._name(offer.init_org))
        if needs.digests:
            request = replace(request, digests=await self._digests(offer.job_id, needs.digests))
        if decision.needs(policies, request).store:
            request = replace(request, store=await self._ask_store(offer, policies))
        if decision.needs(policies, request).call:
            request = replace(request, call=await call())
        return edition.decide(request)

    async def terms(self, offer: Offer) -> Terms:
        """Give the terms for a run by the edition in force; waits while that cannot be read."""
        edition = await self.rulebook.sound()
        needed = decision.terms_need(edition.policies, offer.image) if edition.policies else ()
        return edition.terms(offer.image, await self._digests(offer.job_id, needed) if needed else None)

    async def _name(self, organization_id: int) -> str | None:
        try:
            return (await self._uplink.organization(organization_id)).name
        except Unavailable:
            raise
        except HanseError as error:
            log.warning("organization_unknown", organization_id=organization_id, cause=error.message)
            return None

    async def _digests(self, job_id: int, images: Iterable[str]) -> dict[str, str]:
        names = list(images)
        found = await asyncio.gather(*(self._digest(job_id, name) for name in names))
        return {name: digest for name, digest in zip(names, found, strict=True) if digest is not None}

    async def _digest(self, job_id: int, image: str) -> str | None:
        """Give what the runs of this job get under a name, which is decided once."""
        try:
            async with asyncio.timeout(RESOLVE_SECONDS):
                return await self._pins.digest(job_id, image)
        except (HanseError, TimeoutError) as error:
            log.warning("digest_unknown", image=image, cause=str(error) or "no answer")
            return None

    async def _ask_store(self, offer: Offer, policies: Policies | None) -> StoreAnswer | None:
        """Ask the store that the task names, if it is one that may be believed."""
        if offer.store_id is None or policies is None:
            return None
        try:
            url = await self._uplink.store_url(offer.store_id)
        except Unavailable:
            raise
        except (HanseError, KeyError) as error:
            return StoreAnswer(False, f"the server does not say where algorithm store {offer.store_id} is: {error}")
        if not stores.is_allowed(url, policies.allowed_algorithm_stores or ()):
            return StoreAnswer(False, f"the algorithm store {url} is not among those allowed here")
        key = (offer.job_id, url, offer.image)
        if key not in self._confirmed:
            try:
                answer = stores.answer(url, offer.image, await self._uplink.store_algorithms(url, offer.image))
            except HanseError as error:
                return StoreAnswer(False, error.message)
            self._remember(key, answer)
        return self._confirmed[key]

    def _remember(self, key: tuple[int, str, str], answer: StoreAnswer) -> None:
        self._confirmed[key] = answer
        while len(self._confirmed) > REMEMBERED:
            self._confirmed.popitem(last=False)
