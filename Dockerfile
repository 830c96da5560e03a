# One image for every process of the portal; docker-compose.yml says which command each one runs.
# Both arguments may name mirrors: docker build --build-arg BASE_IMAGE=… --build-arg PIP_INDEX_URL=… .
ARG BASE_IMAGE=python:3.11-slim-bookworm

FROM ${BASE_IMAGE} AS packages
ARG PIP_INDEX_URL=
RUN python -m venv /opt/venv
COPY requirements.txt requirements-stream.txt requirements-rds.txt /tmp/
RUN /opt/venv/bin/pip install --no-cache-dir --require-hashes --requirement /tmp/requirements.txt \
    && /opt/venv/bin/pip install --no-cache-dir --require-hashes --requirement /tmp/requirements-stream.txt \
    && /opt/venv/bin/pip install --no-cache-dir --require-hashes --requirement /tmp/requirements-rds.txt

FROM packages AS packages-simulator
ARG PIP_INDEX_URL=
COPY requirements-simulator.txt /tmp/requirements-simulator.txt
RUN /opt/venv/bin/pip install --no-cache-dir --require-hashes --requirement /tmp/requirements-simulator.txt

FROM ${BASE_IMAGE} AS base
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DATA_DIR=/data
RUN useradd --system --uid 10001 --home-dir /app --shell /usr/sbin/nologin portal \
    && install --directory --owner portal --group portal /data
WORKDIR /app
COPY manage.py LICENSE ./
COPY isv_portal isv_portal
COPY tenants tenants
COPY dingtalk dingtalk
USER portal
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM

# For development: DingTalk's side of the conversation.
FROM base AS simulator
COPY --from=packages-simulator /opt/venv /opt/venv
CMD ["python", "manage.py", "simulator", "--host", "0.0.0.0", "--port", "8100"]

# Last, so that a plain build makes it.
FROM base AS portal
COPY --from=packages /opt/venv /opt/venv
HEALTHCHECK --interval=15s --timeout=5s --start-period=40s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
# The embedded mode, until told otherwise: everything in one container, data in /data.
CMD ["python", "manage.py", "portal", "--host", "0.0.0.0", "--port", "8000"]
