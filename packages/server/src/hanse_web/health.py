"""Whether the process is well, and which version it is."""

from anyio import to_thread
from fastapi import APIRouter, Request
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from hanse_core import __version__
from hanse_core.protocol import API_VERSION

router = APIRouter(tags=["health"])


@router.get("/version")
async def version() -> dict[str, str]:
    """Tell the version of the protocol and of Hanse."""
    return {"version": API_VERSION, "hanse": __version__}


@router.get("/health")
async def health(request: Request) -> dict[str, bool]:
    """Tell whether the database answers."""
    return {"database": await to_thread.run_sync(_answers, request.app.state.engine)}


def _answers(engine: Engine) -> bool:
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except SQLAlchemyError:
        return False
    return True
