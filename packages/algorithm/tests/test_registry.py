"""Signatures say what a function needs; what is not decorated cannot be called from outside."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal, Optional

import pandas
import pytest

import hanse_algorithm
from hanse_algorithm import Column, Federation, OrganizationId, central, federated
from hanse_algorithm.annotations import Kind, complaint, kind, table_type, text
from hanse_algorithm.errors import InputError
from hanse_algorithm.registry import bind, find, method_of, methods

if TYPE_CHECKING:
    import pandas as pd


@federated
def partial(left: pd.DataFrame, columns: list[Column], right: pandas.DataFrame, digits: int = 2) -> int:
    return digits


@central
def whole(federation: Federation, names: list[str]) -> int:
    return len(names)


def undecorated() -> None:
    raise AssertionError("must never be called")


def timed(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


def package(**names: object) -> ModuleType:
    module = ModuleType("little")
    vars(module).update(names)
    return module


def test_the_plan_comes_from_the_signature() -> None:
    method = method_of(partial)
    assert [table.name for table in method.tables] == ["left", "right"]
    assert [argument.name for argument in method.arguments] == ["columns", "digits"]
    assert (method.federation, method.mark.type, method.mark.is_standalone) == (None, "federated", False)
    assert method_of(whole).federation == "federation"


def test_annotations_may_be_objects_instead_of_text() -> None:
    def function(data, federation, columns, other=None):  # type: ignore[no-untyped-def]
        return data

    function.__annotations__ = {
        "data": pandas.DataFrame,
        "federation": Federation,
        "columns": list[Column],
        "other": Optional[int],  # noqa: UP045
    }
    method = method_of(federated(function))
    assert [table.name for table in method.tables] == ["data"]
    assert method.federation == "federation"
    assert [argument.kind for argument in method.arguments] == [Kind("column_list"), Kind("integer", True)]


def test_a_wrapper_made_with_functools_keeps_the_plan() -> None:
    method = method_of(timed(partial))
    assert [table.name for table in method.tables] == ["left", "right"]
    assert method_of(federated(timed(partial))).arguments == method.arguments


def test_only_decorated_functions_can_be_called_from_outside() -> None:
    module = package(partial=partial, undecorated=undecorated, system=os.system, text="x", os=os, cls=dict)
    assert list(methods(module)) == ["partial"]
    for name in ("undecorated", "system", "text", "os", "os.system", "cls", "__class__", "__dict__", "", "partial "):
        with pytest.raises(InputError, match="unknown method"):
            find(module, name)


@pytest.mark.parametrize("name", [None, 3, ["partial"], {"a": 1}])
def test_a_name_that_is_not_text_is_refused(name: object) -> None:
    with pytest.raises(InputError, match="the input names no method; little offers: partial"):
        find(package(partial=partial), name)


def test_an_object_that_forges_the_mark_is_not_callable_from_outside() -> None:
    class Agreeable:
        def __getattr__(self, name: str) -> object:
            return self

        def __call__(self) -> object:
            return self

    assert methods(package(agreeable=Agreeable())) == {}


def test_an_unknown_method_lists_the_available_ones() -> None:
    with pytest.raises(InputError, match="unknown method 'median'; little offers: partial, whole"):
        find(package(whole=whole, partial=partial), "median")


def test_a_package_without_functions_says_so() -> None:
    with pytest.raises(InputError, match="offers: none"):
        find(package(), "median")


def test_arguments_are_taken_by_position_and_by_name() -> None:
    assert bind(method_of(partial), [["age"]], {"digits": 3}) == {"columns": ["age"], "digits": 3}


def test_a_default_is_left_to_the_function() -> None:
    assert bind(method_of(partial), [], {"columns": []}) == {"columns": []}


@pytest.mark.parametrize(
    ("positional", "named", "message"),
    [
        ([], {}, "missing argument 'columns'; 'partial' takes the arguments columns, digits \\(optional\\)"),
        ([], {"columns": [], "left": []}, "unexpected argument 'left'"),
        ([], {"colums": []}, "unexpected argument 'colums'; 'partial' takes the arguments columns"),
        ([[]], {"columns": []}, "'columns' of 'partial' was given twice"),
        ([[], 1, 2], {}, "but 3 were given without a name"),
        (
            [],
            {"columns": "age"},
            "'columns' of 'partial' must be a list \\(each item the name of a column\\), not text",
        ),
        ([], {"columns": ["a", 3]}, "must hold the name of a column at \\[1\\], not a whole number"),
        ([], {"columns": [], "digits": True}, "'digits' of 'partial' must be a whole number, not true or false"),
        ([], {"columns": [], "digits": None}, "must be a whole number, not null"),
    ],
)
def test_wrong_arguments_are_named(positional: list[Any], named: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        bind(method_of(partial), positional, named)


def test_the_task_cannot_fill_an_injected_parameter() -> None:
    with pytest.raises(InputError, match="unexpected argument 'federation'"):
        bind(method_of(whole), [], {"names": [], "federation": {}})


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        ("str", Kind("string")),
        ("str | None", Kind("string", True)),
        ("Optional[int]", Kind("integer", True)),
        ("typing.Optional[list[str]]", Kind("string_list", True)),
        ("Sequence[float]", Kind("float_list")),
        ("collections.abc.Sequence[hanse_algorithm.Column]", Kind("column_list")),
        ("Literal['a', 'b']", Kind("string", allowed=("a", "b"))),
        ("Literal[1, 2] | None", Kind("integer", True, (1, 2))),
        ("OrganizationId", Kind("organization")),
        ("bool", Kind("boolean")),
        ("list[bool]", Kind("json")),
        ("dict[str, list[int]]", Kind("json")),
        ("int | str", Kind("json")),
        (Literal["x"], Kind("string", allowed=("x",))),
        (list[OrganizationId], Kind("organization_list")),
        (dict[str, int], Kind("json")),
        (float | None, Kind("float", True)),
    ],
)
def test_each_annotation_gives_a_type_of_the_algorithm_store(annotation: object, expected: Kind) -> None:
    assert kind(annotation) == expected


@pytest.mark.parametrize("annotation", ["pd.DataFrame", "pandas.DataFrame", "DataFrame", pandas.DataFrame])
def test_a_data_frame_is_recognised_in_each_spelling(annotation: object) -> None:
    assert table_type(annotation) == "pandas"


def test_a_type_of_the_same_name_from_elsewhere_is_no_table() -> None:
    assert table_type("polars.DataFrame") is None


def test_the_same_annotation_has_one_text() -> None:
    assert text("str|None") == text("str | None") == text(str | None) == "str | None"


@pytest.mark.parametrize(
    ("value", "annotation"),
    [(3, "float"), (2.5, "float"), ("b", "Literal['a', 'b']"), (None, "str | None"), ({"a": [1]}, "dict[str, object]")],
)
def test_a_fitting_value_gives_no_complaint(value: object, annotation: str) -> None:
    assert complaint(value, kind(annotation)) is None


def test_a_value_outside_the_allowed_ones_lists_them() -> None:
    assert complaint("c", kind("Literal['a', 'b']")) == "must be one of 'a', 'b'"
    assert complaint([], kind("Literal['a', 'b']")) == "must be one of 'a', 'b'"


def test_a_function_without_a_decorator_has_no_plan() -> None:
    with pytest.raises(InputError, match="'undecorated' is not decorated"):
        method_of(undecorated)


def test_parameters_that_a_task_cannot_name_are_refused() -> None:
    @federated
    def greedy(*values: int) -> int:
        return len(values)

    with pytest.raises(TypeError, match="parameter 'values' must be a plain named one"):
        method_of(greedy)


def test_the_name_that_federation_run_keeps_is_refused_at_once() -> None:
    def function(organizations: list[int]) -> int:
        return len(organizations)

    with pytest.raises(TypeError, match="'organizations' is reserved"):
        federated(function)
    assert method_of(central(function)).arguments[0].name == "organizations"


def test_standalone_can_be_said_by_the_decorator() -> None:
    @federated(standalone=True)
    def count() -> int:
        return 1

    assert method_of(count).mark.is_standalone
    assert count() == 1


def test_every_public_name_exists_and_is_listed_in_order() -> None:
    assert sorted(hanse_algorithm.__all__) == hanse_algorithm.__all__
    assert all(hasattr(hanse_algorithm, name) for name in hanse_algorithm.__all__)
