"""Log in with the stock client and print the results of a task; run by the environment of that client."""

import json
import sys
from urllib.parse import urlsplit

from vantage6.client import UserClient

url, username, password, code, task = sys.argv[1:]
address = urlsplit(url)
client = UserClient(f"http://{address.hostname}", address.port, address.path, log_level="error")
client.authenticate(username, password, code)
client.setup_encryption(None)
results = client.result.from_task(task_id=int(task))["data"]
print(json.dumps([json.loads(one["result"]) if one["result"] else None for one in results]))
