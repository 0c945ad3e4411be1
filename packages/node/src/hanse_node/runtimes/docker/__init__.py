"""Runs as containers of a Docker engine, each on a network of its own that leads to the node's proxy only."""

from hanse_node.runtimes.docker.runtime import DockerRuntime

__all__ = ["DockerRuntime"]
