"""Whether one run may start, and what has to be known of its input and of who asked for that."""

from functools import partial
from pathlib import Path

from hanse_core.errors import HanseError, KeyChanged
from hanse_core.states import RunStatus
from hanse_node import runs
from hanse_node.blobs import BlobInput
from hanse_node.killable import Killable, Over
from hanse_node.offers import Offer
from hanse_node.policy import calls
from hanse_node.policy.decision import Verdict
from hanse_node.station import Station
from hanse_node.threads import in_thread


class NotAllowed(HanseError):
    """What was allowed is no longer what would start."""


class Judging:
    """The verdict on one run; it counts for the edition of the policy by which it was given."""

    def __init__(self, station: Station, offer: Offer, killable: Killable, verdict: Verdict | None) -> None:
        self._station = station
        self._offer = offer
        self._killable = killable
        self._verdict = verdict
        self._edition = 0
        self._fetched: Path | None = None
        """The input, once it was fetched from a blob store."""

    @property
    def reason(self) -> str | None:
        return self._verdict.reason if self._verdict else None

    @property
    def is_outdated(self) -> bool:
        """Tell whether the policy has changed since the verdict."""
        return self._edition != self._station.gate.rulebook.edition.number

    async def refusal(self) -> tuple[RunStatus, str] | None:
        """Let the policy decide; give the state and the words in which a run ends that it does not allow."""
        gate = self._station.gate
        try:
            if self._verdict is None or self._verdict.allowed:
                self._edition = gate.rulebook.edition.number
                judged = self._killable.insist(lambda: gate.judge(self._offer, self._call))
                self._verdict = await self._killable.unless_over(judged)
            if not self._verdict.allowed:
                return RunStatus.NOT_ALLOWED, f"not allowed at this station: {self._verdict}"
            await recipient(self._station, self._offer, self._killable, even_if_over=False)
        except Over:
            return RunStatus.KILLED, runs.KILL_NOTE
        except KeyChanged as error:
            return RunStatus.NOT_ALLOWED, f"not allowed at this station: {error.message} (rule: known keys)"
        except HanseError as error:
            return RunStatus.NOT_ALLOWED, f"this station could not decide about the run: {error.message}"
        return None

    def require_judged(self, digest: str) -> None:
        """Refuse when the tag has moved on since the policy looked at what it stands for. Raises `NotAllowed`."""
        judged = self._verdict.digest if self._verdict else None
        if judged not in (None, digest):
            raise NotAllowed(f"{self._offer.image} no longer stands for the {judged} that the policy allows")

    async def payload(self) -> bytes | Path:
        """Open the input; one from a blob store may be large and is in a file. Raises `Over`."""
        station, offer = self._station, self._offer
        if not offer.in_blob_store:
            return station.vault.open(offer.input)
        if self._fetched is not None:
            return self._fetched
        path = station.workspace.incoming(offer.run_id)
        fetched = BlobInput(station.uplink, station.vault, offer.input, path)
        await self._killable.unless_over(self._killable.insist(fetched.fetch))
        self._fetched = path
        return path

    async def _call(self) -> calls.Call:
        """Read what the input asks for; nothing is known of one that is too long to be looked at, or unreadable."""
        try:
            payload = await self.payload()
        except HanseError as error:
            if error.status >= 500:
                raise
            return calls.Call()
        return await in_thread(calls.read, payload)


async def recipient(station: Station, offer: Offer, killable: Killable, *, even_if_over: bool = True) -> str:
    """Give the public key of who asked. Raises `KeyChanged` when it is another one than before."""
    if not station.vault.encrypted or offer.init_org is None:
        return ""
    ask = partial(station.uplink.organization, offer.init_org)
    organization = await killable.insist(ask, even_if_over=even_if_over)
    return await in_thread(station.vault.recipient, offer.init_org, organization)
