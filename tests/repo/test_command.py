import json
import subprocess
import sys

HEAVY = {
    "pydantic", "httpx", "fastapi", "starlette", "sqlalchemy", "alembic", "socketio", "cryptography", "pandas", "numpy",
    "rich", "uvicorn", "structlog", "yaml", "asyncio", "anyio",
}  # fmt: skip


def test_help_imports_no_library() -> None:
    program = """
import json, sys
from hanse_core.command import main
try:
    main(["--help"])
except SystemExit:
    pass
sys.stderr.write(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True)
    assert "commands:" in ran.stdout
    assert HEAVY.isdisjoint(json.loads(ran.stderr))


def test_every_command_has_a_help_text() -> None:
    from hanse_core.command import parser

    text = parser().format_help()
    for name in ("algorithm", "demo", "login", "node", "server", "task"):
        line = next(line for line in text.splitlines() if line.strip().startswith(name))
        assert len(line.split()) > 2, line


def test_an_unknown_command_names_the_known_ones() -> None:
    ran = subprocess.run([sys.executable, "-m", "hanse_core", "dmeo"], capture_output=True, text=True, timeout=30)
    assert ran.returncode == 2
    assert "demo" in ran.stderr
