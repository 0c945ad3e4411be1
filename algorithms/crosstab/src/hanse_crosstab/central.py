"""Ask each station once and add the tables up."""

from __future__ import annotations

from hanse_algorithm import Column, Federation, OrganizationId, central
from hanse_crosstab import pooling
from hanse_crosstab.mathematics import chi_squared
from hanse_crosstab.partials import cells


@central
def crosstab(
    federation: Federation,
    row: Column,
    column: Column,
    row_levels: list[str] | None = None,
    column_levels: list[str] | None = None,
    correction: bool = True,
    organizations: list[OrganizationId] | None = None,
) -> dict[str, object]:
    """Count the rows for each pair of values of two columns, and test whether the columns are independent.

    Args:
        row: the column whose values become the rows of the table.
        column: the column whose values become its columns.
        row_levels: the values of `row` to use; all when not given. Rows of the data with another value are left out.
        column_levels: the same for `column`.
        correction: whether a table of two by two gets Yates' continuity correction.
        organizations: the organizations to ask; all of the collaboration when not given.

    Returns:
        `row`, `column`, `row_labels`, `column_labels`; `counts`, a list for each row label; `row_totals`,
        `column_totals`, `total`; `hidden`, the number of rows in cells that a station kept back; `chi_squared` with
        `statistic`, `dof`, `p_value`, `correction` and `expected`; `stations`, the rows used and left out at each.
        A count to which a hidden cell may belong is None, and `chi_squared` is None when anything is hidden or when
        the table has a single row or column.

    Example:
        crosstab(federation, row="sex", column="ph.ecog", column_levels=["0", "1", "2"])
    """
    answers = federation.run(
        cells,
        organizations=organizations,
        row=row,
        column=column,
        row_levels=row_levels,
        column_levels=column_levels,
    )
    table = pooling.pool([answer.result for answer in answers])
    known = table.known()
    test = chi_squared(known, correction) if known is not None else None
    return {
        "row": row,
        "column": column,
        **table.as_result(),
        "chi_squared": test._asdict() if test else None,
        "stations": [
            {"organization": answer.organization} | {name: answer.result[name] for name in ("rows", "excluded")}
            for answer in answers
        ],
    }
