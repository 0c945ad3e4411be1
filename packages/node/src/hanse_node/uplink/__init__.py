"""The only folder that speaks to the server."""
