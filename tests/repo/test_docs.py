import re
import subprocess
from importlib import import_module
from pathlib import Path

import pandas as pd
import pytest

from hanse_algorithm.testing import simulate

ROOT = Path(__file__).parents[2]
PATH = re.compile(r"`((?:packages|tests|docs|algorithms|benchmarks)/[\w./-]+)`")
LINK = re.compile(r"\]\((?!http|#)([^)#]+)")


def test_every_path_and_link_in_the_documentation_exists() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=30
    )
    missing = []
    for name in listed.stdout.split():
        page = ROOT / name
        text = page.read_text(encoding="utf-8")
        places = [ROOT / path for path in PATH.findall(text)] + [page.parent / link for link in LINK.findall(text)]
        missing += [f"{name}: {place}" for place in places if not place.exists()]
    assert missing == []


def test_the_example_on_the_first_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(@federated.*?)```", readme, re.DOTALL)
    imports = "import pandas as pd\nfrom hanse_algorithm import Column, Federation, central, federated, guards\n"
    (tmp_path / "first_page.py").write_text(imports + code)
    monkeypatch.syspath_prepend(tmp_path)
    tables = {"north": pd.DataFrame({"age": range(20)}), "south": pd.DataFrame({"age": range(20, 40)})}
    assert simulate(import_module("first_page").mean, tables, column="age") == 19.5
