# syntax=docker/dockerfile:1

# Stage one verifies and builds. Every dependency must match a hash of the lock; what the lock holds for development
# only is a wheel here too, but is not installed, as nothing of ours asks for it.
FROM python:3.11-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
COPY requirements.lock ./
RUN pip wheel --quiet --no-deps --require-hashes --requirement requirements.lock --wheel-dir /wheels
COPY pyproject.toml README.md ./
COPY tenants ./tenants
COPY migrations ./migrations
COPY app ./app
RUN pip wheel --quiet --no-deps --wheel-dir /wheels . \
 && python -m venv /opt/noren \
 && /opt/noren/bin/pip install --quiet --no-index --find-links /wheels noren

# Stage two runs. The environment lies at the same path over the same Python, so it moves as it is.
FROM python:3.11-slim
ENV PATH=/opt/noren/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    NOREN_DATA_DIR=/tmp/noren
COPY --from=build /opt/noren /opt/noren
RUN useradd --system --uid 10001 --user-group --no-create-home --home-dir /tmp --shell /usr/sbin/nologin noren
# By number, so that an orchestrator can see that it is not root. Nothing but /tmp is ever written.
USER 10001:10001
WORKDIR /tmp
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 \
  CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
ENTRYPOINT ["noren"]
CMD ["serve", "--host", "0.0.0.0"]
