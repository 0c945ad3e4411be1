"""Runs as processes of this machine: what is started where, and how it is found again."""

from hanse_node.runtimes.process.bubblewrap import Bubblewrap
from hanse_node.runtimes.process.images import ProcessImage
from hanse_node.runtimes.process.runtime import ProcessRuntime

__all__ = ["Bubblewrap", "ProcessImage", "ProcessRuntime"]
