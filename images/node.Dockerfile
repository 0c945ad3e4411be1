# The node as a container. From the root of the repository:  docker build -f images/node.Dockerfile -t hanse/node .
# How it is started, and why so: docs/how-to/node-in-a-container.md
FROM python:3.12-slim-bookworm AS build
RUN pip install --no-cache-dir 'uv>=0.9'
WORKDIR /source
COPY pyproject.toml uv.lock ./
COPY packages packages
COPY algorithms algorithms
ENV UV_PROJECT_ENVIRONMENT=/opt/hanse UV_PYTHON_DOWNLOADS=never UV_COMPILE_BYTECODE=1
RUN uv sync --frozen --no-dev --no-editable --package hanse-node

FROM python:3.12-slim-bookworm
RUN apt-get update && apt-get install -y --no-install-recommends iptables && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/hanse /opt/hanse
ENV PATH=/opt/hanse/bin:$PATH
ENTRYPOINT ["hanse", "node"]
