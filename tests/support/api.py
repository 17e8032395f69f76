"""Somebody outside who calls the API: a token, an address, what comes back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from app import clock
from app.accounts import tokens
from app.accounts.actor import SYSTEM
from app.db import transaction
from tests.factories import MONDAY, Desk, desk_on

PROBLEM = "application/problem+json"
USERS = (
    *("agent", "agent2", "supervisor", "manager", "callback", "platform", "technician", "repairpoint"),
    *("designer", "operator", "auditor", "admin"),
)

# As the contract shows it.
CASE: dict[str, Any] = {
    "channel": "api",
    "kind": "complaint",
    "title": "终端频繁离线",
    "description": "跑高速时每隔半小时掉线一次",
    "customer": {"name": "赵文礼", "phone": "13900000261"},
    "asset": {"plate": "陕A·D7182", "serial": "HX4-2210917"},
}
REGISTER = {
    "title": "终端频繁离线",
    "description": "跑高速时掉线",
    "severity": "normal",
    "customer_name": "赵文礼",
}


@dataclass
class Caller:
    """One owner of a token."""

    app: Flask
    token: str | None
    headers: dict[str, str] = field(default_factory=dict)
    at: datetime = MONDAY

    def send(self, method: str, path: str, **more: Any) -> TestResponse:
        """Call an address below /api/v1, or an absolute one that begins with //."""
        headers = {**self.headers, **more.pop("headers", {})}
        if self.token is not None:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        address = path[1:] if path.startswith("//") else f"/api/v1{path}"
        with clock.at(self.at):
            return self.app.test_client().open(address, method=method, headers=headers, **more)

    def get(self, path: str, **query: Any) -> TestResponse:
        """Read."""
        return self.send("GET", path, **({"query_string": query} if query else {}))

    def post(self, path: str, body: Any = None, **headers: str) -> TestResponse:
        """Write JSON; a header such as idempotency_key="a"."""
        more = {"headers": {name.replace("_", "-"): value for name, value in headers.items()}}
        return self.send("POST", path, **({} if body is None else {"json": body}), **more)

    def items(self, **query: Any) -> list[dict[str, Any]]:
        """Return a page of work items."""
        answer = self.get("/work-items", **query)
        assert answer.status_code == 200, answer.text
        return answer.json["items"]

    def item(self, element: str, case: str) -> dict[str, Any]:
        """Return the open item of an element of a case, with its form."""
        found = [one for one in self.items(scope="all", case=case) if one["element"] == element]
        assert len(found) == 1, found
        answer = self.get(f"/work-items/{found[0]['id']}")
        assert answer.status_code == 200, answer.text
        return answer.json


@dataclass
class Outside:
    """Everybody who may call: `outside["agent"].get("/cases")`."""

    app: Flask
    callers: dict[str, Caller]

    def __getitem__(self, username: str) -> Caller:
        return self.callers[username]

    @property
    def nobody(self) -> Caller:
        """Somebody without a token."""
        return Caller(self.app, None)

    @contextmanager
    def desk(self) -> Iterator[Desk]:
        """Look at the centre from inside, between two calls."""
        with desk_on(self.app) as desk:
            yield desk


def make_outside(app: Flask) -> Outside:
    """Make the centre of the factories and a token for each of its people."""
    with desk_on(app) as desk:
        made = {}
        for username in USERS:
            person = desk.actor(username)
            with transaction():
                made[username] = tokens.create(person.id or 0, "test", actor=SYSTEM, now=MONDAY)
    return Outside(app, {username: Caller(app, token) for username, token in made.items()})


def check_problem(answer: TestResponse, status: int) -> dict[str, Any]:
    """Check that an answer is a problem document of this status; return it."""
    assert answer.status_code == status, answer.text
    assert answer.content_type.split(";")[0] == PROBLEM, answer.content_type
    body: dict[str, Any] = json.loads(answer.text)
    assert body["status"] == status and body["title"] and body["type"], body
    return body


def fields_of(answer: TestResponse) -> dict[str, str]:
    """Return field → message of a 422."""
    return {one["field"]: one["message"] for one in check_problem(answer, 422)["errors"]}
