"""Endpoints for peer-to-peer traffic between algorithms."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from hanse_core.errors import Unsupported
from hanse_core.wire.tasks import PortAddresses, VpnProfile, VpnUpdate
from hanse_server.peers.addresses import INCLUDE, ONLY, Addresses
from hanse_server.peers.eduvpn import EduVpn
from hanse_web.auth import AnyContainer, DetachedNode
from hanse_web.query import Query, parameter
from hanse_web.work import RequestWork

router = APIRouter(tags=["peers"])

FILTERS = [parameter("label", "string"), *(parameter(name, "boolean") for name in (*ONLY, *INCLUDE))]


async def _vpn(request: Request, actor: DetachedNode) -> EduVpn:
    vpn: EduVpn | None = request.app.state.vpn
    if vpn is None:
        raise Unsupported("this server has no VPN; the operator can set vpn_server")
    return vpn


Vpn = Annotated[EduVpn, Depends(_vpn)]


@router.get("/vpn")
async def vpn_profile(vpn: Vpn) -> VpnProfile:
    """Give a node a new profile with which it joins the VPN."""
    return VpnProfile(ovpn_config=await vpn.profile())


@router.post("/vpn/update")
async def renew_vpn_profile(vpn: Vpn, body: VpnUpdate) -> VpnProfile:
    """Replace a profile by a new one, because its keys are about to expire."""
    return VpnProfile(ovpn_config=await vpn.profile())


@router.get("/vpn/algorithm/addresses", openapi_extra={"parameters": FILTERS})
def algorithm_addresses(work: RequestWork, actor: AnyContainer, query: Query) -> PortAddresses:
    """Tell a container where the other algorithms of its computation listen."""
    return PortAddresses(addresses=Addresses(work, actor).find(query))
