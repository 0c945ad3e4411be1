"""What a v4 user does with his unmodified client, next to ours; run by the Python that has it.

stock_task.py URL PORT USERNAME PASSWORD KEY IMAGE TASK_ID

Prints the results of a task that somebody else created, and of one that it creates itself. KEY is the file with the
private key of the organization, or empty where nothing is encrypted.
"""

import json
import sys

from vantage6.client import UserClient


def main(url: str, port: str, username: str, password: str, key: str, image: str, task_id: str) -> None:
    client = UserClient(url, int(port), "/api", log_level="warn")
    client.authenticate(username, password)
    client.setup_encryption(key or None)
    there = [json.loads(item["result"]) for item in client.wait_for_results(int(task_id))["data"]]
    collaboration = client.collaboration.list()["data"][0]["id"]
    task = client.task.create(
        collaboration=collaboration,
        organizations=[item["id"] for item in client.organization.list(collaboration=collaboration)["data"]],
        name="partial",
        description="",
        image=image,
        input_={"method": "partial", "args": [], "kwargs": {"column": "age"}},
        databases=[{"label": "default"}],
    )
    own = [json.loads(item["result"]) for item in client.wait_for_results(task["id"])["data"]]
    status = client.task.get(task["id"])["status"]
    print("\n" + json.dumps({"there": there, "own": own, "status": status}))


if __name__ == "__main__":
    main(*sys.argv[1:])
