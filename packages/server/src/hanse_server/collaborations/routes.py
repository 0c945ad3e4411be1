"""Endpoints for collaborations, studies and nodes."""

from hanse_server.collaborations import collaboration_routes, invitation_routes, node_routes, study_routes

routers = (collaboration_routes.router, study_routes.router, node_routes.router, invitation_routes.router)
