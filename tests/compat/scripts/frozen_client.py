"""The client of an earlier release asks a question at today's server, and prints the answer."""

import json
import sys

from hanse import Client

url, username, password, collaboration, image, method, arguments = sys.argv[1:]
with Client(url, username, password) as client:
    answers = client.tasks.run(
        collaboration=collaboration, image=image, method=method, arguments=json.loads(arguments), progress=False
    )
    print(json.dumps(answers.result))
