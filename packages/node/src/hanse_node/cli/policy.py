"""`hanse node policy init | test`."""

import argparse
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hanse_node.policy.decision import Request, Terms
    from hanse_node.policy.draft import Answers
    from hanse_node.policy.model import Policies
    from hanse_node.settings import Settings


def register(commands: Any, chosen: Callable[[argparse.ArgumentParser], None]) -> None:
    """Add the sub-commands."""
    policy = commands.add_parser("policy", help="make the policy of this node, and try it without running anything")
    verbs = policy.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _register_init(verbs.add_parser("init", help="write a policy file from answers or flags, with all else explained"))
    _register_test(
        verbs.add_parser("test", help="say what would happen to a task, and why; exit code 0 if it would run, else 1")
    )
    for command in verbs.choices.values():
        chosen(command)


def _register_init(init: argparse.ArgumentParser) -> None:
    init.add_argument("--allow", action="append", default=[], metavar="IMAGE", help="an image that may run; repeat it")
    init.add_argument(
        "--store", action="append", default=[], metavar="URL", help="an algorithm store to ask; repeat it"
    )
    init.add_argument("--either", action="store_true", help="list or store is enough; else both are required")
    init.add_argument("--organization", action="append", default=[], help="id or name of who may start it; repeat it")
    init.add_argument("--user", action="append", default=[], metavar="ID", help="who may start it; repeat it")
    init.add_argument("--v4-image", action="append", default=[], metavar="IMAGE", help="published v4 images; repeat it")
    init.add_argument("--max-result", default="", metavar="SIZE", help="largest result that leaves, such as 1MB")
    init.add_argument("--output", type=Path, metavar="FILE", help="the file to write; default: beside the node's file")
    init.set_defaults(run=_init)


def _register_test(test: argparse.ArgumentParser) -> None:
    test.add_argument("--policy", type=Path, metavar="FILE", help="a policy file to try instead of the node's")
    test.add_argument("--image", required=True, help="the image of the task")
    test.add_argument("--method", help="the function that is called")
    test.add_argument("--arguments", metavar="JSON", help="its named arguments, as a JSON object")
    test.add_argument("--positional", type=int, default=0, metavar="N", help="how many arguments are given by place")
    test.add_argument("--database", action="append", default=[], metavar="LABEL", help="a selected database; repeat it")
    test.add_argument("--user", type=int, metavar="ID", help="the user who asks")
    test.add_argument("--organization", metavar="ID", help="the organization that asks, as ID or ID:NAME")
    test.add_argument("--store-approves", choices=("yes", "no"), help="what the store that the task names would answer")
    test.add_argument("--digest", help="what the image's tag stands for")
    test.add_argument("--result", type=Path, metavar="FILE", help="a result, to see whether it may leave")
    test.add_argument("--json", action="store_true", help="as JSON")
    test.set_defaults(run=_test)


def _init(arguments: argparse.Namespace) -> int:
    from hanse_core.errors import Conflict
    from hanse_node import places
    from hanse_node.policy import draft

    settings = places.settings_of(arguments.config, arguments.name)
    source = settings.source or Path("node.yaml")
    output: Path = arguments.output or source.with_name(f"{source.stem}.policy.yaml")
    answers = _answers(arguments, settings.policies)
    try:
        with os.fdopen(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640), "w") as handle:
            handle.write(draft.text(answers))
    except FileExistsError:
        raise Conflict(f"{output} exists already; edit it, or name another file with --output") from None
    print(f"written: {output}")
    _say_how_to_use(settings, source, output)
    return 0


def _answers(arguments: argparse.Namespace, stock: "Policies | None") -> "Answers":
    """Take what the flags say, what the node's own file says already, or what is answered."""
    from hanse_node.cli.ask import ask_list
    from hanse_node.policy.draft import Answers

    given = any((arguments.allow, arguments.store, arguments.organization, arguments.user, arguments.v4_image))
    images = arguments.allow or list(stock.allowed_algorithms or () if stock else ())
    organizations = arguments.organization or list(stock.allowed_organizations if stock else ())
    if not given and stock is None:
        images = ask_list("Which images may run?")
        organizations = ask_list("Only for which organizations?")
    return Answers(
        images=[*images, *(image for image in arguments.v4_image if image not in images)],
        stores=arguments.store or list(stock.allowed_algorithm_stores or () if stock else ()),
        either=arguments.either or bool(stock and stock.allow_either_whitelist_or_store),
        organizations=organizations,
        users=arguments.user or list(stock.allowed_users if stock else ()),
        v4_images=arguments.v4_image,
        max_bytes=arguments.max_result,
    )


def _say_how_to_use(settings: "Settings", source: Path, output: Path) -> None:
    if settings.policies_file is not None and settings.policies_file.resolve() == output.resolve():
        return
    if settings.policies is not None:
        print(f"To use it, remove policies from {source} and write there:  policies_file: {output}")
        return
    print(f"To use it, write into {source}:  policies_file: {output}")
    print("and start the node again; from then on a changed policy counts without a restart.")


def _test(arguments: argparse.Namespace) -> int:
    from hanse_node.policy.decision import decide, denied, terms
    from hanse_node.policy.model import Policies

    policies, request, settings = _policies(arguments), _request(arguments), _settings(arguments)
    verdict, found = decide(policies, request), terms(policies or Policies(), request.image, request.digests)
    if verdict.allowed and arguments.result is not None and (cause := _refused(arguments.result, found)):
        verdict = denied("results", cause)
    facts: dict[str, Any] = {
        "outcome": "allow" if verdict.allowed else verdict.outcome.value if not verdict.asks_before_release else "ask",
        "rule": verdict.rule,
        "reason": verdict.reason,
        "not_known": _unknown(policies, request),
        "profile": found.profile.value if found.profile else None,
        "writable_databases": sorted(found.writable_databases),
        "capabilities": sorted(found.capabilities),
        "ways_out": _ways(settings, found, request),
        "databases_elsewhere": _elsewhere(settings, request),
        "share_logs": found.share_logs,
        "max_bytes": found.max_bytes,
    }
    if arguments.json:
        print(json.dumps(facts))
    else:
        for key, value in facts.items():
            if value not in (None, []):
                print(f"{key.replace('_', ' '):<18} {', '.join(value) if isinstance(value, list) else value}")
    return 0 if verdict.allowed else 1


def _policies(arguments: argparse.Namespace) -> "Policies | None":
    from hanse_node import places, policy_file

    if arguments.policy is not None:
        return policy_file.read_file(arguments.policy)
    return policy_file.read(places.settings_of(arguments.config, arguments.name))


def _settings(arguments: argparse.Namespace) -> "Settings | None":
    """Give the node's settings, where a node is named; a policy can be tried without one."""
    from hanse_core.errors import HanseError
    from hanse_node import places

    try:
        return places.settings_of(arguments.config, arguments.name)
    except HanseError:
        if arguments.policy is None:
            raise
        return None


def _ways(settings: "Settings | None", found: "Terms", request: "Request") -> list[str]:
    """Name the ways out that the run would have, those of its databases too."""
    if settings is None:
        return list(found.egress)
    from hanse_node.egress.given import described, given

    return described(settings, given(settings, found, request.databases))


def _elsewhere(settings: "Settings | None", request: "Request") -> list[str]:
    """Say where the databases are that the run would reach over the network."""
    from hanse_node.egress.given import elsewhere

    found = elsewhere(settings, request.databases) if settings else {}
    return [f"{label} at {where}" for label, where in found.items()]


def _request(arguments: argparse.Namespace) -> "Request":
    from hanse_node.policy.calls import Call
    from hanse_node.policy.decision import Request, StoreAnswer
    from hanse_node.policy.references import canonical

    number, _, name = (arguments.organization or "").partition(":")
    says = arguments.store_approves
    return Request(
        image=arguments.image,
        init_user=arguments.user,
        init_org=_number(number, "--organization") if number else None,
        init_org_name=name or None,
        databases=tuple(arguments.database),
        call=Call(arguments.method, _named(arguments), arguments.positional),
        digests={canonical(arguments.image): arguments.digest} if arguments.digest else {},
        store=None if says is None else StoreAnswer(says == "yes", f"the store would answer {says}"),
    )


def _named(arguments: argparse.Namespace) -> dict[str, Any] | None:
    from hanse_core.errors import Invalid

    if arguments.arguments is None:
        return {} if arguments.method is not None else None
    try:
        named = json.loads(arguments.arguments)
    except ValueError as error:
        raise Invalid(f"--arguments is not JSON: {error}") from None
    if not isinstance(named, dict):
        raise Invalid("--arguments must be a JSON object, such as '{\"bins\": 10}'")
    return named


def _number(text: str, flag: str) -> int:
    from hanse_core.errors import Invalid

    if not text.isdigit():
        raise Invalid(f"{flag} must be an id, such as 3, or with its name 3:alpha")
    return int(text)


def _refused(path: Path, found: "Terms") -> str:
    from hanse_core.errors import Invalid
    from hanse_node.policy.results import ResultRefused, checked

    try:
        checked(path.read_bytes(), found)
    except OSError as error:
        raise Invalid(f"{path} cannot be read: {error.strerror}") from None
    except ResultRefused as error:
        return str(error)
    return ""


def _unknown(policies: "Policies | None", request: "Request") -> list[str]:
    """Name what the node would look up, and what this try was not told."""
    from hanse_node.policy.decision import needs

    wanted = needs(policies, request)
    unknown = [f"the digest of {image}" for image in wanted.digests if image not in request.digests]
    if wanted.organization_name and request.init_org_name is None:
        unknown.append("the name of the organization")
    if wanted.store and request.store is None:
        unknown.append("the answer of the store (--store-approves)")
    return unknown
