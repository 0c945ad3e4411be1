"""Every endpoint of the v4 protocol is there."""

from typing import Any

INDEX = """
/version GET
/health GET
/token/user POST
/token/node POST
/token/container POST
/token/refresh POST
/token/user/validate POST
/token/node/validate POST
/recover/lost POST
/recover/reset POST
/recover/2fa/lost POST
/recover/2fa/reset POST
/recover/node POST
/password/change PATCH
/user GET POST
/user/{} GET PATCH DELETE
/organization GET POST
/organization/{} GET PATCH DELETE
/collaboration GET POST
/collaboration/{} GET PATCH DELETE
/collaboration/{}/organization POST DELETE
/collaboration/{}/node POST DELETE
/study GET POST
/study/{} GET PATCH DELETE
/study/{}/organization POST DELETE
/node GET POST
/node/{} GET PATCH DELETE
/task GET POST
/task/{} GET DELETE
/task/{}/status GET
/run GET
/run/{} GET PATCH
/result GET
/result/{} GET
/kill/task POST
/kill/node/tasks POST
/port POST DELETE
/vpn/algorithm/addresses GET
/vpn GET
/vpn/update POST
/role GET POST
/role/{} GET PATCH DELETE
/role/{}/rule/{} POST DELETE
/rule GET
/rule/{} GET
/column POST
/algorithmstore GET POST
/algorithmstore/{} GET PATCH DELETE
/blobstream POST
/blobstream/{} GET
/blobstream/status GET
"""
EXPECTED = {(method, path) for path, *methods in map(str.split, INDEX.split("\n")[1:-1]) for method in methods}


def _described(paths: dict[str, Any]) -> set[tuple[str, str]]:
    found = set()
    for path, operations in paths.items():
        parts = ["{}" if part.startswith("{") else part for part in path.removeprefix("/api").split("/")]
        found |= {(method.upper(), "/".join(parts)) for method in operations}
    return found


def test_every_route_of_the_protocol_is_there_and_described(server: Any) -> None:
    assert EXPECTED - _described(server.app.openapi()["paths"]) == set()


async def test_search_engines_are_asked_to_stay_away(server: Any) -> None:
    answer = await server.client().get("http://hanse.test/robots.txt")

    assert answer.status_code == 200
    assert answer.text.splitlines() == ["User-agent: *", "Disallow: /"]
