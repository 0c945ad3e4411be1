"""A real OpenID Connect provider, and somebody who logs in there through a browser."""

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urljoin

import httpx

PACKAGE = "oidc-provider@9.13.3"
PROGRAM = Path(__file__).parents[3] / "packages/server/tests/hanse_server/sso/provider.mjs"
PERSON, PASSWORD = "carol", "carol-at-the-hospital"


@contextmanager
def provider(node: str, packages: Path) -> Iterator[str]:
    """Run a provider that knows one researcher; gives its address."""
    folder = Path(tempfile.mkdtemp(prefix="h"))
    (folder / "node_modules").symlink_to(packages / "node_modules")
    command = [node, shutil.copy(PROGRAM, folder)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, **pipes)  # type: ignore[call-overload]
    try:
        with process.stdin, process.stdout:
            issuer, *_ = json.loads(process.stdout.readline())
            claims = {"name": "Carol", "preferred_username": PERSON, "groups": ["researchers"]}
            people = {PERSON: {"password": PASSWORD, "claims": claims}}
            httpx.put(f"{issuer}/test/users", json=people).raise_for_status()
            yield issuer
        process.wait(10)
    finally:
        process.kill()
        shutil.rmtree(folder)


def visit(address: str) -> None:
    """Do in a browser what the person does: fill in the form of the provider, and be led back."""
    with httpx.Client(follow_redirects=True, timeout=30) as browser:
        page = browser.get(address)
        form = re.search(r'<form method="post" action="([^"]+)"', page.text)
        if form is not None:
            fields = {"user": PERSON, "password": PASSWORD}
            page = browser.post(urljoin(str(page.url), form[1]), data=fields)
        page.raise_for_status()
