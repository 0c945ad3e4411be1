"""Endpoints for tasks, runs, results and what nodes ask for their containers."""

from hanse_server.tasks import node_routes, run_routes, task_routes

routers = (task_routes.router, run_routes.router, node_routes.router)
