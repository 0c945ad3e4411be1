"""Ask the stations twice and put the summary together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from hanse_algorithm import Answer, Column, Federation, OrganizationId, central, rows
from hanse_summary import pooling
from hanse_summary.partials import CATEGORY, squares, totals


class Group(NamedTuple):
    """The summary of one group, as in the result."""

    rows: int
    numeric: dict[str, pooling.Statistics]
    categorical: dict[str, pooling.Statistics]


Groups = dict["str | None", Group]
"""Label → group; the label is None when the table is not split."""


@central
def summary(
    federation: Federation,
    columns: list[Column],
    by: Column | None = None,
    categorical: list[Column] | None = None,
    organizations: list[OrganizationId] | None = None,
) -> dict[str, object]:
    """Summarise columns over all stations.

    Args:
        columns: the columns to summarise.
        by: a column whose values split the rows into groups; rows without a value there are left out.
        categorical: those of the columns that hold codes: their values are counted although they are numbers.
        organizations: the organizations to ask; all of the collaboration when not given.

    Returns:
        Without `by`: `{"rows", "numeric", "categorical"}`. With it: `{"by", "groups": {label: the same}}`.
        A numeric column has `count`, `missing`, `sum`, `mean`, `variance` and `std` (ddof = 1), `min`, `max`; what is
        not defined, or withheld by a station, is None. A categorical column has `count`, `missing`, `counts` (value →
        rows) and `hidden`, the number of rows in categories that were too small at a station to be told.

    Raises:
        pooling.Disagreement: when a column holds numbers at one station and text at another.

    Example:
        summary(federation, columns=["age", "sex"], categorical=["sex"])
    """
    first = federation.run(totals, organizations=organizations, columns=columns, by=by, categorical=categorical)
    groups = _groups(first, set(categorical or []))
    if means := _means(groups):
        second = federation.run(squares, organizations=organizations, columns=columns, by=by, means=means)
        _complete(groups, second)
    tables = {label: group._asdict() for label, group in groups.items()}
    return tables[None] if by is None else {"by": by, "groups": tables}


def _groups(answers: list[Answer], codes: set[str]) -> Groups:
    sizes: dict[str | None, int] = {}
    for answer in answers:
        for group in answer.result:
            sizes[group["group"]] = sizes.get(group["group"], 0) + group["rows"]
    labels = [None] if None in sizes else rows.in_order(label for label in sizes if label is not None)
    groups: Groups = {label: Group(sizes[label], {}, {}) for label in labels}
    for name, by_label in _parts(answers).items():
        kind = pooling.kind_of(name, [part for parts in by_label.values() for part in parts], name in codes)
        for label, parts in by_label.items():
            if kind == CATEGORY:
                groups[label].categorical[name] = pooling.categorical(parts)
            else:
                groups[label].numeric[name] = pooling.numeric(parts)
    return groups


def _parts(answers: Iterable[Answer]) -> dict[str, dict[str | None, list[pooling.Part]]]:
    """Sort what the stations found: column → group → station."""
    parts: dict[str, dict[str | None, list[pooling.Part]]] = {}
    for answer in answers:
        for group in answer.result:
            for name, found in group["columns"].items():
                part = pooling.Part(answer.organization, found)
                parts.setdefault(name, {}).setdefault(group["group"], []).append(part)
    return parts


def _means(groups: Groups) -> list[dict[str, Any]]:
    means = [
        {"group": label, "means": {name: found["mean"] for name, found in group.numeric.items() if found["count"]}}
        for label, group in groups.items()
    ]
    return [entry for entry in means if entry["means"]]


def _complete(groups: Groups, answers: Iterable[Answer]) -> None:
    parts: dict[tuple[str | None, str], list[dict[str, float]]] = {}
    for answer in answers:
        for group in answer.result:
            for name, found in group["columns"].items():
                parts.setdefault((group["group"], name), []).append(found)
    for (label, name), found in parts.items():
        pooling.complete(groups[label].numeric[name], found)
