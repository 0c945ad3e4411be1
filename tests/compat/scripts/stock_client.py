"""What a v4 user's notebook does, with the unmodified client; run by the Python that has it.

stock_client.py set-up URL PORT ROOT_PASSWORD            prints the API keys of the nodes it created
stock_client.py analyse URL PORT USERNAME PASSWORD       prints the result of the central task
"""

import json
import sys

from vantage6.client import UserClient

STATIONS = ("bremen", "hamburg", "luebeck")
PASSWORD = "Stock-client-1"


def connect(url: str, port: str, username: str, password: str) -> UserClient:
    client = UserClient(url, int(port), "/api", log_level="warn")
    client.authenticate(username, password)
    client.setup_encryption(None)
    return client


def set_up(url: str, port: str, root_password: str) -> dict:
    client = connect(url, port, "root", root_password)
    organizations = {
        name: client.organization.create(name, f"{name} street 1", "", "1000", "DE", f"{name}.example")["id"]
        for name in STATIONS
    }
    collaboration = client.collaboration.create("lung", list(organizations.values()), encrypted=False)
    nodes = {
        name: client.node.create(collaboration=collaboration["id"], organization=organization, name=f"{name} node")
        for name, organization in organizations.items()
    }
    researcher = next(role["id"] for role in client.role.list()["data"] if role["name"] == "Researcher")
    client.user.create(
        "ada",
        "Ada",
        "Lovelace",
        PASSWORD,
        "ada@bremen.example",
        organization=organizations["bremen"],
        roles=[researcher],
    )
    return {
        "organizations": organizations,
        "collaboration": collaboration["id"],
        "api_keys": {name: node["api_key"] for name, node in nodes.items()},
    }


def analyse(url: str, port: str, username: str, password: str) -> dict:
    client = connect(url, port, username, password)
    collaboration = client.collaboration.list()["data"][0]
    online = [node["status"] for node in client.node.list()["data"]]
    organizations = {item["name"]: item["id"] for item in client.organization.list()["data"]}
    task = client.task.create(
        collaboration=collaboration["id"],
        organizations=[organizations["hamburg"]],
        name="ages",
        description="summary of the ages",
        image="hanse/summary",
        input_={"method": "summary", "args": [], "kwargs": {"columns": ["age"]}},
        databases=[{"label": "default"}],
    )
    results = client.wait_for_results(task["id"])
    return {
        "online": online,
        "results": [item["result"] for item in results["data"]],
        "status": client.task.get(task["id"])["status"],
        "subtasks": [item["status"] for item in client.task.list(parent=task["id"])["data"]],
        "runs": [run["status"] for run in client.run.from_task(task["id"])["data"]],
    }


if __name__ == "__main__":
    action, *arguments = sys.argv[1:]
    print("\n" + json.dumps({"set-up": set_up, "analyse": analyse}[action](*arguments)))
