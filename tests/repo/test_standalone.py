import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOREIGN = re.compile(r"\.\./shared|/work/(main|shared|\.library)")


def _tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, timeout=30).stdout
    return [ROOT / name for name in listed.decode().split("\0") if name]


def test_nothing_refers_to_what_a_clone_does_not_have() -> None:
    here = Path(__file__).resolve()
    found = []
    for path in _tracked():
        if path.resolve() == here or not path.is_file() or path.suffix in {".lock", ".png", ".parquet"}:
            continue
        text = path.read_text(encoding="utf-8", errors="ignore")
        found += [f"{path.relative_to(ROOT)}: {match.group()}" for match in FOREIGN.finditer(text)]
    assert found == []
