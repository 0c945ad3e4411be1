"""An algorithm for tests: carries out the Python text that its input holds and stores the variable `result`."""

import base64
import json
import os
import signal


def variable(name: str) -> str:
    return base64.b32decode(os.environ[name].replace("!", "=")).decode()


def main() -> None:
    with open(variable("INPUT_FILE")) as file:
        scope = {"variable": variable, "environment": lambda: dict(os.environ), "hang": signal.pause}
        exec(json.load(file)["code"], scope)
    if "result" in scope:
        with open(variable("OUTPUT_FILE"), "w") as file:
            json.dump(scope["result"], file)
