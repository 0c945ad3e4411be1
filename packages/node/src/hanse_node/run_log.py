"""What a run prints: read from the engine, and shown to who asked where this station lets it."""

import asyncio
import codecs
from collections.abc import Mapping
from typing import Any

from hanse_core import events
from hanse_core.errors import HanseError
from hanse_node.kept_logs import KeptLogs
from hanse_node.policy.decision import Terms
from hanse_node.station import Station
from hanse_node.threads import in_thread

LOG_SECONDS = 0.2
QUIET_LOG_SECONDS = 1.0


class RunLog:
    """The log of one run; an engine that cannot give it is no reason for the run to fail."""

    def __init__(self, station: Station, log: Any) -> None:
        self._station = station
        self._log = log

    def is_shared(self, terms: Terms) -> bool:
        """Tell whether it may leave this station."""
        return self._station.settings.share_algorithm_logs if terms.share_logs is None else terms.share_logs

    async def read(self, reference: str | None, offset: int = 0) -> bytes:
        """Give what was printed so far, from some byte on; nothing of a run that never started."""
        if reference is None:
            return b""
        try:
            return await self._station.runtime.logs(reference, offset)
        except (HanseError, OSError) as error:
            self._log.warning("log_unreadable", cause=str(error))
            return b""

    async def keep(self, run_id: int, reference: str) -> None:
        """Put what an ended run has printed where `hanse node logs --run` finds it; nothing came of a second look."""
        if printed := await self.read(reference):
            try:
                await in_thread(KeptLogs.of(self._station.settings).keep, run_id, printed)
            except OSError as error:
                self._log.warning("log_not_kept", cause=str(error))

    async def stream(self, reference: str, about: Mapping[str, object]) -> None:
        """Send what was printed since the last look; engines have no event for new output."""
        decoder, offset, pause = codecs.getincrementaldecoder("utf-8")("replace"), 0, LOG_SECONDS
        limit = self._station.settings.limits.log_bytes
        while offset < limit:
            printed = await self.read(reference, offset)
            offset += len(printed)
            text = decoder.decode(printed)
            if text:
                await self._station.uplink.emit(events.RUN_LOG, {**about, "log": text})
            pause = LOG_SECONDS if printed else min(pause * 1.5, QUIET_LOG_SECONDS)
            await asyncio.sleep(pause)
