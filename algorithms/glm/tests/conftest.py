"""The lung trial, split by enrolling institution into three stations."""

import pandas as pd
import pytest
from lifelines.datasets import load_lung


@pytest.fixture
def lung() -> pd.DataFrame:
    return load_lung()


@pytest.fixture
def tables(lung: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The patient without an institution goes to luebeck."""
    station = pd.cut(lung["inst"], [0, 5, 12, 33], labels=["bremen", "hamburg", "luebeck"])
    station = station.astype("object").fillna("luebeck")
    return {str(name): table.reset_index(drop=True) for name, table in lung.groupby(station)}


@pytest.fixture
def no_minimum(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANSE_MINIMUM_COUNT", "0")
