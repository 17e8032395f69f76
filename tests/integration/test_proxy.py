"""Behind a proxy the application sees visitors, not the proxy; without one nobody may pretend."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import request

from app import create_app
from tests.support import database

FORWARDED = {
    "X-Forwarded-For": "203.0.113.9, 198.51.100.7",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "desk.example.com",
}


@pytest.mark.sqlite_only  # about headers, not databases
@pytest.mark.parametrize(
    ("proxies", "seen"),
    [(0, ("127.0.0.1", "http://localhost/here")), (1, ("198.51.100.7", "https://desk.example.com/here"))],
)
def test_only_as_many_proxies_are_believed_as_there_are(database_url, tmp_path, proxies, seen):
    app = create_app(replace(database.test_settings(database_url, tmp_path), trusted_proxies=proxies))
    app.add_url_rule("/here", "healthz_here", lambda: f"{request.remote_addr} {request.url}")
    try:
        assert app.test_client().get("/here", headers=FORWARDED).text == " ".join(seen)
    finally:
        app.extensions["db_engine"].dispose()
