"""A real web server for tests: the application of this process, on a port that is free."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server


class Quiet(WSGIRequestHandler):
    """A handler that keeps its requests to itself; they would drown what pytest says."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


@dataclass(frozen=True)
class LiveServer:
    """Where the application answers; `url` has no slash at its end."""

    app: Flask
    url: str


@contextmanager
def serving(app: Flask) -> Iterator[LiveServer]:
    """Serve `app` from threads of this process.

    `clock.at` holds for one thread only: what the server should see is moved with `clock.set_offset`.
    """
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    # Tests end when they end; a keep-alive connection of the browser must not hold them up.
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield LiveServer(app, f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()
