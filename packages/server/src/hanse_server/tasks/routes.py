"""Endpoints for tasks, runs, results and what nodes ask for their containers."""

from hanse_server.tasks import blob_routes, node_routes, run_routes, task_routes

routers = (task_routes.router, run_routes.router, node_routes.router, blob_routes.router)
