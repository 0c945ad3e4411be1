"""What is made once for all who have the same rights: statements, with places for who asks.

To make a statement costs several times what it costs to run it. Its text depends on which rights somebody has; whose
they are comes in as values.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import fields
from functools import lru_cache
from typing import Any, Concatenate, NamedTuple, ParamSpec, TypeVar, cast

from sqlalchemy import bindparam

from hanse_core.permissions import Permissions, Rule
from hanse_web.access import Actor

KEPT = 256
"""What is kept of each kind; what was used the longest ago goes first."""
PREFIX = "actor_"
_NUMBERS = (int, int | None)
_SETS = (frozenset[int],)

A = TypeVar("A", bound=Actor)
P = ParamSpec("P")
T = TypeVar("T")


class _Likeness(NamedTuple):
    """All that a statement may depend on: the kind of an actor, its rights, and which of its ids it has not."""

    kind: type[Actor]
    rules: frozenset[Rule]
    absent: tuple[str, ...]


def made_once(make: Callable[Concatenate[A, P], T]) -> Callable[Concatenate[A, P], T]:
    """Keep what a function makes for an actor, and give it to all who are alike.

    The function gets a stand-in with places (`values_of` fills them) instead of ids, so that it cannot write those of
    one into what others get. Whatever else it is given must be hashable."""

    @lru_cache(maxsize=KEPT)
    def kept(likeness: _Likeness, *more: Any, **named: Any) -> T:
        return make(cast(A, _stand_in(likeness)), *more, **named)

    def give(actor: A, /, *more: P.args, **named: P.kwargs) -> T:
        given: Any = _likeness(actor), *more
        return kept(*given, **cast(Any, named))

    return give


def values_of(actor: Actor) -> dict[str, Any]:
    """Give what belongs into the places of what was made once."""
    return {PREFIX + name: getattr(actor, name) for name in _places(_kind(actor))}


def _kind(actor: Actor) -> Any:
    return type(actor)


def _likeness(actor: Actor) -> _Likeness:
    absent = tuple(name for name in _places(_kind(actor)) if getattr(actor, name) is None)
    return _Likeness(type(actor), actor.permissions.rules, absent)


@lru_cache
def _places(kind: Hashable) -> Sequence[str]:
    return [one.name for one in fields(cast(Any, kind)) if one.type in (*_NUMBERS, *_SETS)]


def _stand_in(likeness: _Likeness) -> Actor:
    given: dict[str, Any] = {}
    for one in fields(likeness.kind):
        if one.name in likeness.absent:
            given[one.name] = None
        elif one.name in _places(cast(Hashable, likeness.kind)):
            given[one.name] = bindparam(PREFIX + one.name, expanding=one.type in _SETS)
        else:
            given[one.name] = object()  # good for nothing
    return likeness.kind(**{**given, "permissions": Permissions(likeness.rules)})
