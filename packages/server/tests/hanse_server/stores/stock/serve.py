"""Serve an unmodified stock algorithm store on a free port of this machine; prints the port."""

import sys

from gevent.pywsgi import WSGIServer  # after the store, which patches the standard library first
from vantage6.algorithm.store import run_server

server = WSGIServer(("127.0.0.1", 0), run_server(sys.argv[1], system_folders=False).app, log=None, error_log=None)
server.start()
print(f"port {server.server_port}", flush=True)
server.serve_forever()
