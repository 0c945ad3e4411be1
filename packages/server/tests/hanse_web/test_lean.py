"""A server does not load what it never uses."""

import subprocess
import sys

LOAD = """
import sys
from hanse_web.lean import UNUSED, few_heaps, import_lean, settle
few_heaps()
import_lean()
from hanse_server import main, serving
settle()
print(*sorted({name.partition(".")[0] for name in sys.modules} & {*UNUSED, "alembic"}))
"""
LATER = """
from hanse_web.lean import import_lean
import_lean()
import requests, sys
assert sys.modules["requests"] is requests
"""


def test_a_server_loads_neither_clients_nor_migrations() -> None:
    loaded = subprocess.run([sys.executable, "-c", LOAD], check=True, capture_output=True, text=True, timeout=60)
    assert loaded.stdout.split() == []


def test_what_was_left_out_can_be_imported_later() -> None:
    subprocess.run([sys.executable, "-c", LATER], check=True, timeout=60)
