"""`hanse node key ls | trust | import`: which public keys of partners this node believes."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hanse_node.known_keys import KnownKeys


def register(commands: Any, chosen: Callable[[argparse.ArgumentParser], None]) -> None:
    """Add the sub-commands."""
    key = commands.add_parser("key", help="see and confirm the public keys of the organizations that results are for")
    verbs = key.add_subparsers(title="commands", metavar="COMMAND", required=True)
    listing = verbs.add_parser("ls", help="show the keys with their fingerprints")
    listing.set_defaults(run=_ls)
    trust = verbs.add_parser("trust", help="believe the changed key of an organization from now on")
    trust.add_argument("organization", type=int, metavar="ID", help="the organization")
    trust.add_argument("--fingerprint", help="what the organization told you; without it you are asked to compare")
    trust.set_defaults(run=_trust)
    bundle = verbs.add_parser("import", help="believe the keys of a bundle: JSON or YAML, public key by id")
    bundle.add_argument("bundle", type=Path, metavar="FILE", help="the bundle")
    bundle.set_defaults(run=_import)
    for command in (listing, trust, bundle):
        chosen(command)


def _known(arguments: argparse.Namespace) -> "KnownKeys":
    from hanse_node import places
    from hanse_node.known_keys import KnownKeys

    return KnownKeys(places.settings_of(arguments.config, arguments.name).directory / "keys.json")


def _ls(arguments: argparse.Namespace) -> int:
    for organization_id, pin in sorted(_known(arguments).all().items()):
        print(f"{organization_id:>5}  {pin.name:<24} {pin.fingerprint}  since {pin.since}")
        if pin.refused:
            print(f"       {'':<24} {pin.refused_fingerprint}  REFUSED: hanse node key trust {organization_id}")
    return 0


def _trust(arguments: argparse.Namespace) -> int:
    from hanse_core.errors import Invalid, NotFound

    known = _known(arguments)
    pin = known.all().get(arguments.organization)
    if pin is None or not pin.refused:
        raise NotFound(f"no changed key of organization {arguments.organization} waits for being confirmed")
    print(f"{pin.name}\n  until now: {pin.fingerprint}\n  now:       {pin.refused_fingerprint}")
    if arguments.fingerprint is None:
        print("Ask the organization, not the server, for the fingerprint of its key.")
        told = input("Fingerprint that you were told: ")
    else:
        told = arguments.fingerprint
    if "".join(told.split()).lower() != "".join(pin.refused_fingerprint.split()):
        raise Invalid("that is another fingerprint than the one of the changed key: it stays refused")
    known.trust(arguments.organization)
    print("The changed key is believed from now on.")
    return 0


def _import(arguments: argparse.Namespace) -> int:
    from hanse_node.known_keys import read_bundle

    known = _known(arguments)
    for organization_id, published in read_bundle(arguments.bundle).items():
        print(f"{organization_id:>5}  {known.put(organization_id, published)}")
    return 0
