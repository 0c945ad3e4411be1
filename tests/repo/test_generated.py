import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_generated_documents_are_fresh() -> None:
    ran = subprocess.run([sys.executable, "docs/generate.py"], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
