"""The average of a column: a central function that waits for a partial one at each organization."""

import random
import time
from typing import Any

import pandas as pd
from vantage6.algorithm.client import AlgorithmClient
from vantage6.algorithm.tools.decorators import algorithm_client, data, metadata
from vantage6.algorithm.tools.util import info


@algorithm_client
def central(client: AlgorithmClient, column: str) -> dict[str, Any]:
    organizations = [organization["id"] for organization in client.organization.list()]
    info(f"asking {len(organizations)} organizations")
    task = client.task.create(
        input_={"method": "partial", "kwargs": {"column": column}}, organizations=organizations, name="partial"
    )
    results = client.wait_for_results(task_id=task["id"], interval=1)
    total = sum(result["sum"] for result in results)
    count = sum(result["count"] for result in results)
    return {"average": total / count, "count": count, "stations": len(results)}


@data(1)
def partial(df: pd.DataFrame, column: str) -> dict[str, Any]:
    return {"sum": float(df[column].sum()), "count": int(df[column].count())}


@data(1)
def trips(df: pd.DataFrame) -> None:
    """Crash over the first row, as algorithms do: with what is in it, in the log and in the traceback."""
    row = f"PATIENT-{df['time'].iloc[0]:.0f}-{df['age'].iloc[0]:.0f}"
    info(f"looking at {row}")
    raise KeyError(row)


@metadata
def where(run: Any) -> dict[str, Any]:
    run.output_file.write_text("replaced by the wrapper")
    (run.temporary_directory / "note").write_text("kept for the job")
    return {"organization": run.organization_id, "task": run.task_id, "input": run.input_file.name}


def wait(seconds: float) -> None:
    info(f"waiting for {seconds:g} seconds")
    time.sleep(seconds)


@algorithm_client
def wait_everywhere(client: AlgorithmClient, seconds: float) -> None:
    organizations = [organization["id"] for organization in client.organization.list()]
    task = client.task.create(
        input_={"method": "wait", "kwargs": {"seconds": seconds}}, organizations=organizations, name="wait"
    )
    client.wait_for_results(task_id=task["id"], interval=1)


def large(size: int, seed: int) -> str:
    return random.Random(seed).randbytes(size // 2).hex()
