"""What the commands of `hanse task` do."""

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hanse import Answers, Client, TaskFailed
from hanse_core.errors import Invalid
from hanse_core.wire.base import Item


def create(arguments: argparse.Namespace) -> int:
    """Send an analysis; wait for it if asked to."""
    with _client(arguments) as client:
        task = client.tasks.create(
            collaboration=_id_or_name(arguments.collaboration),
            image=arguments.image,
            method=arguments.method,
            arguments=_arguments(arguments),
            organizations=arguments.organization and [_id_or_name(each) for each in arguments.organization],
            study=arguments.study and _id_or_name(arguments.study),
            databases=arguments.database or ("default",),
            name=arguments.name,
            description=arguments.description,
        )
        if arguments.wait:
            return _wait(client, arguments, task.id)
    if arguments.format == "json":
        _print_json(_fields(task))
    else:
        print(f"task {task.id} is {task.status}; see `hanse task wait {task.id}`")
    return 0


def listing(arguments: argparse.Namespace) -> int:
    """Print the newest tasks."""
    with _client(arguments) as client:
        tasks = client.tasks.list(
            collaboration_id=arguments.collaboration,
            is_user_created=None if arguments.all else True,
            limit=arguments.limit,
        )
    if arguments.format == "json":
        _print_json([_fields(task) for task in tasks])
    else:
        _print_table(
            ["id", "status", "name", "image", "created"],
            [[str(task.id), str(task.status), task.name, task.image, task.created_at[:19]] for task in tasks],
        )
    return 0


def show(arguments: argparse.Namespace) -> int:
    """Print one task and its runs."""
    with _client(arguments) as client:
        task = client.tasks.get(arguments.task)
        runs = client.runs.list(task_id=task.id)[::-1]
        names = {each.id: each.name for each in client.organizations.list(collaboration_id=task.collaboration.id)}
    if arguments.format == "json":
        _print_json({**_fields(task), "runs": [_fields(run) for run in runs]})
        return 0
    print(f"task {task.id}: {task.name} ({task.image})\nstatus: {task.status}\ncreated: {task.created_at[:19]}\n")
    rows = [
        [names.get(run.organization.id, str(run.organization.id)), str(run.status), (run.started_at or "")[:19],
         (run.finished_at or "")[:19]]
        for run in runs
    ]  # fmt: skip
    _print_table(["organization", "status", "started", "finished"], rows)
    for run in runs:
        if run.status.is_failed and run.log:
            print(f"\nlog of {names.get(run.organization.id, run.organization.id)}:\n{run.log.rstrip()}")
    return 0


def wait(arguments: argparse.Namespace) -> int:
    """Wait for a task and print its results."""
    with _client(arguments) as client:
        return _wait(client, arguments, arguments.task)


def results(arguments: argparse.Namespace) -> int:
    """Print the results that have arrived."""
    with _client(arguments) as client:
        _print_answers(client.tasks.results(arguments.task), arguments.format)
    return 0


def kill(arguments: argparse.Namespace) -> int:
    """Stop a task."""
    with _client(arguments) as client:
        client.tasks.kill(arguments.task)
        task = client.tasks.get(arguments.task)
    if arguments.format == "json":
        _print_json(_fields(task))
    else:
        print(f"task {task.id} is {task.status}")
    return 0


def _wait(client: Client, arguments: argparse.Namespace, task_id: int) -> int:
    try:
        answers = client.tasks.wait(task_id, timeout=arguments.timeout, progress=not arguments.no_progress)
    except TaskFailed as error:
        _print_answers(error.partial_results, arguments.format)
        raise
    _print_answers(answers, arguments.format)
    return 0


@contextmanager
def _client(arguments: argparse.Namespace) -> Iterator[Client]:
    with Client.from_profile(arguments.profile) as client:
        if getattr(arguments, "private_key", None) is not None:
            client.setup_encryption(arguments.private_key)
        yield client


def _arguments(arguments: argparse.Namespace) -> dict[str, Any]:
    given: dict[str, Any] = {}
    if arguments.arguments_file is not None:
        try:
            given = json.loads(arguments.arguments_file.read_text())
        except (OSError, ValueError) as error:
            raise Invalid(f"the file with the arguments cannot be read: {error}") from error
        if not isinstance(given, dict):
            raise Invalid(f"{arguments.arguments_file} does not hold a JSON object")
    for text in arguments.argument:
        name, separator, value = text.partition("=")
        if not separator:
            raise Invalid(f"--argument {text!r} is not of the form NAME=VALUE")
        given[name] = _json_or_text(value)
    return given


def _json_or_text(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


def _id_or_name(text: str) -> int | str:
    """No name consists of digits only."""
    return int(text) if text.isdigit() else text


def _fields(item: Item) -> Any:
    return item.model_dump(mode="json", exclude={"input"})


def _print_answers(answers: Answers, format: str) -> None:
    if format == "json":
        fields = [vars(answer) | {"result": _jsonable(answer.result)} for answer in answers.sources]
        _print_json({"task_id": answers.task_id, "answers": fields})
        return
    for answer in answers.sources:
        print(f"{answer.organization}:\n{json.dumps(_jsonable(answer.result), indent=2, ensure_ascii=False)}")


def _jsonable(result: Any) -> Any:
    return result.decode(errors="replace") if isinstance(result, bytes) else result


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))


def _print_table(head: list[str], rows: list[list[str]]) -> None:
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    for row in [head, *rows]:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
