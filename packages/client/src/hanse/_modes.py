"""One text for two clients: operations are coroutines; a blocking client runs them to their end in one step.

A coroutine only suspends where something it awaits suspends. Here that is the transport alone, and the
transport of a blocking client never does (see `settle`). So no event loop and no thread is needed, and the
blocking client also works inside a running loop, as in a notebook. Explained in docs/adr/0005.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, overload


class Mode:
    """How the operations of an object are called."""


class Blocking(Mode):
    """Operations return their result."""


class Awaiting(Mode):
    """Operations return a coroutine."""


M = TypeVar("M", bound=Mode)
P = ParamSpec("P")
T = TypeVar("T")


class TwoModes(Generic[M]):
    """Carries operations. `awaiting` is the object itself, or for a blocking one its twin that operations run on."""

    awaiting: Any


class _Descriptor(Generic[P]):
    """A function of a class that is called differently in the two modes."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        _, *others = inspect.signature(function).parameters.values()
        self.signature = inspect.signature(function).replace(parameters=others)
        self.__doc__ = function.__doc__

    def bind(self, call: Callable[..., Any]) -> Any:
        """Dress a bound call so that `help()` and notebooks show the name, signature and docstring as written."""
        functools.update_wrapper(call, self.function)
        call.__signature__ = self.signature  # type: ignore[attr-defined]
        return call


class operation(_Descriptor[P], Generic[P, T]):  # noqa: N801
    """Make an `async def` method callable in the mode of its object."""

    def __init__(self, function: Callable[Concatenate[Any, P], Coroutine[Any, Any, T]]) -> None:
        super().__init__(function)

    @overload
    def __get__(self, instance: None, owner: type) -> operation[P, T]: ...
    @overload
    def __get__(self, instance: TwoModes[Blocking], owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, instance: TwoModes[Any], owner: type) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, instance: TwoModes[Any] | None, owner: type) -> Any:
        if instance is None:
            return self
        call = functools.partial(self.function, instance.awaiting)
        return self.bind(
            call if instance.awaiting is instance else lambda *args, **kwargs: finish(call(*args, **kwargs))
        )


class iteration(_Descriptor[P], Generic[P, T]):  # noqa: N801
    """Make an asynchronous generator method an iterator in the mode of its object."""

    def __init__(self, function: Callable[Concatenate[Any, P], AsyncIterator[T]]) -> None:
        super().__init__(function)

    @overload
    def __get__(self, instance: None, owner: type) -> iteration[P, T]: ...
    @overload
    def __get__(self, instance: TwoModes[Blocking], owner: type) -> Callable[P, Iterator[T]]: ...
    @overload
    def __get__(self, instance: TwoModes[Any], owner: type) -> Callable[P, AsyncIterator[T]]: ...
    def __get__(self, instance: TwoModes[Any] | None, owner: type) -> Any:
        if instance is None:
            return self
        call = functools.partial(self.function, instance.awaiting)
        return self.bind(
            call if instance.awaiting is instance else lambda *args, **kwargs: _each(call(*args, **kwargs))
        )

    def collected(self) -> operation[P, list[T]]:
        """Give the operation that collects everything in a list."""
        function = self.function

        @functools.wraps(function, assigned=("__module__", "__doc__"))
        async def collect(*args: Any, **kwargs: Any) -> list[T]:
            return [item async for item in function(*args, **kwargs)]

        collect.__name__ = "list"
        return operation(collect)


def finish(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never suspends, and give its result."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    coroutine.close()
    raise RuntimeError("an operation of a blocking client was about to suspend; this is a bug in Hanse")


async def settle(value: T | Awaitable[T]) -> T:
    """Await what the asynchronous kind of a library's twin classes gives, pass on what the other kind gives."""
    return await value if inspect.isawaitable(value) else value


def _each(items: AsyncIterator[T]) -> Iterator[T]:
    while True:
        try:
            yield finish(_following(items))
        except StopAsyncIteration:
            return


async def _following(items: AsyncIterator[T]) -> T:
    return await items.__anext__()
