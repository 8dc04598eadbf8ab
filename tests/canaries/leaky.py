"""`serve` with a hole in each of its outputs, to see that the scan finds what comes through: NOREN_TEST_LEAK leaks."""

import os
import sys

import structlog
from fastapi import FastAPI
from prometheus_client import Counter

from app.main import create_app
from app.serving import serve
from tenants.problems import Conflict


def create_leaky_app() -> FastAPI:
    """The application, with paths that leak."""
    app = create_app()
    leak = os.environ["NOREN_TEST_LEAK"]
    leaks = Counter("noren_test_leaks_total", "Leaks.", ["value"])

    @app.get("/leak/log")
    def leak_to_log() -> None:
        structlog.get_logger("leak").debug("said", harmless=leak)

    @app.get("/leak/output")
    def leak_to_output() -> None:
        print(leak, flush=True)

    @app.get("/leak/problem")
    def leak_to_problem() -> None:
        raise Conflict(leak)

    @app.get("/leak/metric")
    def leak_to_metric() -> None:
        leaks.labels(leak).inc()

    return app


if __name__ == "__main__":
    serve("tests.canaries.leaky:create_leaky_app", "127.0.0.1", int(sys.argv[-1]))
