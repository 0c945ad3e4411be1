"""The v4 blob protocol: inputs and results as streams of bytes, where the server has a store for them."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from hanse_server.tasks.blob_service import Blobs
from hanse_server.tasks.ranges import ByteRange
from hanse_server.tasks.values import Values
from hanse_web.auth import AnyActor, DetachedActor
from hanse_web.holes import BegunResponse
from hanse_web.large_bodies import LARGE
from hanse_web.work import RequestWork

router = APIRouter(tags=["blobs"])
BINARY = "application/octet-stream"


class BlobStatus(BaseModel):
    """Whether the blob protocol is switched on."""

    blob_store_enabled: bool


class BlobCreated(BaseModel):
    """The name of an uploaded blob, to be given as input or result."""

    uuid: str


@router.get("/blobstream/status")
async def blob_status(request: Request, actor: AnyActor) -> BlobStatus:
    """Tell whether inputs and results go through a blob store."""
    values: Values = request.app.state.values
    return BlobStatus(blob_store_enabled=values.has_blobs)


@router.post(
    "/blobstream",
    status_code=201,
    max_body_size=LARGE,
    openapi_extra={"requestBody": {"content": {BINARY: {"schema": {"type": "string", "format": "binary"}}}}},
)
async def upload_blob(request: Request, actor: DetachedActor) -> BlobCreated:
    """Store a blob; who sent it can give its UUID once, as an input or as a result."""
    length = request.headers.get("content-length", "")
    announced = int(length) if length.isdecimal() else None
    return BlobCreated(uuid=await Blobs(request.app.state.values, actor).upload(request.stream(), announced))


@router.get(
    "/blobstream/{key}",
    response_class=StreamingResponse,
    responses={
        200: {"content": {BINARY: {}}, "description": "The blob."},
        206: {"content": {BINARY: {}}, "description": "The part of the blob that `Range` asks for."},
    },
)
def download_blob(
    request: Request,
    work: RequestWork,
    actor: AnyActor,
    key: str,
    range: Annotated[str | None, Header()] = None,
    if_range: Annotated[str | None, Header()] = None,
) -> Response:
    """Give a blob that is the input or result of a run that the caller may view, or a part of it."""
    blobs = Blobs(request.app.state.values, actor)
    size = blobs.size(work, key)
    if size is None:
        name = {"Content-Disposition": f"attachment; filename=result_{key}.bin"}
        return BegunResponse(blobs.chunks(key, None), headers=name, media_type=BINARY)
    tag = f'"{key}"'
    wanted = ByteRange.read(range if if_range in (None, tag) else None, size)
    headers: dict[str, Any] = {
        "Accept-Ranges": "bytes",
        "Content-Disposition": f"attachment; filename=result_{key}.bin",
        "ETag": tag,
        **wanted.headers(),
    }
    if not wanted.is_satisfiable:
        return Response(status_code=416, headers=headers)
    status = 206 if wanted.is_part else 200
    return BegunResponse(blobs.chunks(key, wanted), status, headers, BINARY)
