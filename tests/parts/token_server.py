"""A server of tokens for a registry: who shows name and password gets one for what is asked, as registries specify."""

import base64
import json
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

ISSUER, SERVICE = "tokens of the test", "registry of the test"


@contextmanager
def token_server(address: str, folder: Path, username: str, password: str) -> Iterator[dict[str, Any]]:
    """Run it; gives what the settings of a registry say of it under `auth`."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _certificate(key)
    bundle = folder / "tokens.pem"
    bundle.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    chain = base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode()
    shown = "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_known = self.headers.get("Authorization") == shown
            scopes = parse_qs(urlsplit(self.path).query).get("scope", [])
            token = jwt.encode(_claims(username, scopes), key, algorithm="ES256", headers={"x5c": [chain]})
            body = json.dumps({"token": token} if is_known else {"details": "incorrect username or password"}).encode()
            self.send_response(200 if is_known else 401)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer((address, 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        realm = f"http://{address}:{server.server_port}/token"
        try:
            yield {"token": {"realm": realm, "service": SERVICE, "issuer": ISSUER, "rootcertbundle": str(bundle)}}
        finally:
            server.shutdown()
            thread.join()


def _claims(username: str, scopes: list[str]) -> dict[str, Any]:
    now = int(time.time())
    parts = [scope.split(":") for entry in scopes for scope in entry.split()]
    access = [{"type": part[0], "name": ":".join(part[1:-1]), "actions": part[-1].split(",")} for part in parts]
    times = {"iat": now, "nbf": now - 10, "exp": now + 300}
    return {"iss": ISSUER, "sub": username, "aud": SERVICE, "jti": uuid.uuid4().hex, **times, "access": access}


def _certificate(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, ISSUER)])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    return builder.sign(key, hashes.SHA256())
