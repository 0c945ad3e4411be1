"""`key ls | trust | import | export`: which public keys of organizations are believed; for nodes and researchers."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hanse_core.crypto.known_keys import KnownKeys


def register(
    parser: argparse.ArgumentParser,
    known: "Callable[[argparse.Namespace], KnownKeys]",
    chosen: Callable[[argparse.ArgumentParser], None],
    parse: Callable[[str], object] = json.loads,
) -> None:
    """Add the sub-commands.

    Args:
        parser: the command `key`.
        known: gives the keys that the arguments mean.
        chosen: adds the arguments that say which.
        parse: reads a bundle's text.
    """
    verbs = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    listing = verbs.add_parser("ls", help="show the keys with their fingerprints")
    listing.set_defaults(run=lambda arguments: _ls(known(arguments)))
    trust = verbs.add_parser("trust", help="believe the changed key of an organization from now on")
    trust.add_argument("organization", type=int, metavar="ID", help="the organization")
    trust.add_argument("--fingerprint", help="what the organization told you; without it you are asked to compare")
    trust.set_defaults(run=lambda arguments: _trust(known(arguments), arguments.organization, arguments.fingerprint))
    bundle = verbs.add_parser("import", help="believe the keys of a bundle: public key by id")
    bundle.add_argument("bundle", type=Path, metavar="FILE", help="the bundle")
    bundle.set_defaults(run=lambda arguments: _import(known(arguments), arguments.bundle, parse))
    export = verbs.add_parser("export", help="print the keys that are believed as a bundle, for others to import")
    export.set_defaults(run=lambda arguments: _export(known(arguments)))
    for command in (listing, trust, bundle, export):
        chosen(command)


def _ls(known: "KnownKeys") -> int:
    for organization_id, pin in sorted(known.all().items()):
        print(f"{organization_id:>5}  {pin.name:<24} {pin.fingerprint}  since {pin.since}")
        if pin.refused:
            print(f"       {'':<24} {pin.refused_fingerprint}  REFUSED: {known.remedy} {organization_id}")
    return 0


def _trust(known: "KnownKeys", organization_id: int, told: str | None) -> int:
    pin = known.waiting(organization_id)
    print(f"{pin.name}\n  until now: {pin.fingerprint}\n  now:       {pin.refused_fingerprint}")
    if told is None:
        print("Ask the organization, not the server, for the fingerprint of its key.")
        told = input("Fingerprint that you were told: ")
    known.trust(organization_id, told)
    print("The changed key is believed from now on.")
    return 0


def _import(known: "KnownKeys", bundle: Path, parse: Callable[[str], object]) -> int:
    from hanse_core.crypto.known_keys import read_bundle

    for organization_id, published in read_bundle(bundle, parse).items():
        print(f"{organization_id:>5}  {known.put(organization_id, published)}")
    return 0


def _export(known: "KnownKeys") -> int:
    print(json.dumps(known.bundle(), indent=1))
    return 0
