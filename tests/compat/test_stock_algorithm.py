from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hanse import Client
from hanse_sandbox.lung import pooled_rows, split
from hanse_sandbox.network import Network

PACKAGE = Path(__file__).parent / "stock-average"
IMAGE = "consortium/average:1"

pytestmark = [pytest.mark.needs("uv", "python3.10"), pytest.mark.timeout(300)]


@pytest.fixture
def client(short_folder: Path, environment: Callable[..., Path], python310: str) -> Iterator[Client]:
    python = environment("vantage6-algorithm-tools==4.15.2", PACKAGE, python=python310)
    wrapper = "from vantage6.algorithm.tools.wrap import wrap_algorithm; wrap_algorithm()"
    recipe = {"package": "stock_average", "python": str(python), "command": [str(python), "-c", wrapper]}
    with Network(short_folder) as network:
        network.server.start()
        stations = {name: {"default": path} for name, path in split(short_folder).items()}
        network.federate(stations, images={IMAGE: recipe})
        network.start_nodes()
        with network.client() as client:
            yield client


def test_a_package_on_the_stock_tools_runs_central_and_partial_functions(client: Client) -> None:
    (answer,) = client.tasks.run(
        collaboration="demo", organizations=["hamburg"], image=IMAGE, method="central", arguments={"column": "age"}
    )
    header, rows = pooled_rows()
    ages = [float(row[header.index("age")]) for row in rows]
    assert answer == {"average": pytest.approx(sum(ages) / len(ages)), "count": 228, "stations": 3}


def test_a_package_on_the_stock_tools_finds_its_files_and_its_claims(client: Client) -> None:
    answers = client.tasks.run(collaboration="demo", image=IMAGE, method="where")
    ids = {organization.id for organization in client.organizations.list()}
    assert {answer["organization"] for answer in answers} <= ids
    assert len(answers) == 3
    assert {answer["input"] for answer in answers} == {"input"}
