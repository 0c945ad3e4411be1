"""What search engines are told."""

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse

router = APIRouter(include_in_schema=False)


@router.get("/robots.txt", response_class=PlainTextResponse)
async def robots() -> str:
    """Ask search engines to stay away."""
    return "User-agent: *\nDisallow: /\n"
