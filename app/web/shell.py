"""What stands around a page: the rail, the clock, the person, their preferences."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app, g, has_request_context, request, url_for
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from sqlalchemy.exc import SQLAlchemyError

from app.accounts import roles
from app.accounts.actor import Actor
from app.accounts.web import current_actor, single_keys
from app.web.centre import centre_now
from app.web.i18n import choose

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Place:
    """One entry of the rail; shown when its page exists and one of `permissions` (if any) is held."""

    key: str
    icon: str
    label: LazyString
    endpoints: tuple[str, ...]
    permissions: tuple[str, ...] = ()


PLACES = (
    Place("inbox", "inbox", _l("Inbox"), ("inbox.index",)),
    Place("cases", "case", _l("Cases"), ("cases.index",), ("case.view_all", "case.view_own")),
    Place("callbacks", "phone", _l("Callbacks"), ("callbacks.index",), ("callback.view",)),
    Place("customers", "users", _l("Customers"), ("customers.index",), ("customer.view",)),
    Place("board", "board", _l("Board"), ("reports.board",), ("report.view",)),
    Place("calendars", "cal", _l("Calendar"), ("calendars.index",), ("calendar.edit",)),
    Place("escalation", "up", _l("Escalation"), ("escalation.index",), ("escalation.edit", "work.assign")),
    Place("procedures", "flow", _l("Procedures"), ("procedures.index",), ("procedure.view",)),
    Place("reports", "report", _l("Reports"), ("reports.index",), ("report.view",)),
    Place("incidents", "pulse", _l("Operations"), ("procedures.incidents",), ("incident.manage",)),
    Place("admin", "shield", _l("Users"), ("admin.users", "accounts.users"), ("user.admin",)),
)
# A phone has room for five; the last is always "Me".
TABS = ("inbox", "cases", "callbacks", "board", "customers")
# The pages that all others of their package belong to.
HOMES = (".index", ".board")


def init(app: Flask) -> None:
    """Give every template what the shell needs; nothing here asks the database unless the shell is drawn."""
    app.context_processor(_context)
    app.jinja_env.globals.update(endpoint_exists=endpoint_exists, preference=preference)


def actor() -> Actor | None:
    """Return who is signed in, or None: also while the database cannot be asked."""
    if not has_request_context() or g.get("no_database"):
        return None
    try:
        found = current_actor()
    except SQLAlchemyError:
        g.no_database = True
        raise
    return found if found.id is not None else None


def places(person: Actor | None) -> list[dict[str, Any]]:
    """Return the rail's entries that this person may reach: key, icon, label, url, current."""
    found = []
    for place in PLACES:
        endpoint = next((name for name in place.endpoints if endpoint_exists(name)), None)
        allowed = not place.permissions or any(person and person.may(p) for p in place.permissions)
        if endpoint and allowed:
            found.append(
                {
                    "key": place.key,
                    "icon": place.icon,
                    "label": place.label,
                    "url": url_for(endpoint),
                    "current": _is_current(endpoint),
                }
            )
    return found


def endpoint_exists(name: str) -> bool:
    """Tell whether a page is built."""
    return name in current_app.view_functions


def preference(name: str) -> str:
    """Return the person's `theme` or `density`: the account's, else the cookie's, else ""."""
    person = actor()
    allowed = {"theme": ("light", "dark"), "density": ("compact",)}[name]
    for value in (getattr(person, name, "") if person else "", request.cookies.get(name, "")):
        if value in allowed:
            return value
    return ""


def _is_current(endpoint: str) -> bool:
    here = request.endpoint or ""
    # A place of its own inside another's pages (operations among the procedures) is that place alone.
    if here != endpoint and any(here in place.endpoints for place in PLACES):
        return False
    return here == endpoint or (here.split(".")[0] == endpoint.split(".")[0] and endpoint.endswith(HOMES))


def _context() -> dict[str, Any]:
    return {"shell": Shell()}


class Shell:
    """Asked lazily by base.html, so that fragments cost nothing."""

    @property
    def actor(self) -> Actor | None:
        """Who is signed in."""
        return actor()

    @property
    def places(self) -> list[dict[str, Any]]:
        """The rail."""
        return places(actor())

    @property
    def tabs(self) -> list[dict[str, Any]]:
        """The phone's bottom bar, without "Me"."""
        found = [place for place in places(actor()) if place["key"] in TABS]
        return sorted(found, key=lambda place: TABS.index(place["key"]))[:4]

    @property
    def demo(self) -> bool:
        """Whether the demo bar is shown."""
        return bool(current_app.config["SETTINGS"].demo)

    @property
    def single_keys(self) -> bool:
        """Whether single-letter shortcuts are on for this person."""
        return single_keys()

    @property
    def role_names(self) -> list[str]:
        """The posts held, in the reader's language."""
        person = actor()
        held = [role for role in roles.ROLES if person and role.key in person.roles]
        return [role.label(choose()) for role in held]

    @property
    def role_words(self) -> str:
        """The first post, and how many more: 客服助理 +1."""
        names = self.role_names
        return "" if not names else names[0] if len(names) == 1 else f"{names[0]} +{len(names) - 1}"

    @property
    def centre(self) -> dict[str, Any] | None:
        """Whether the centre is open now, and what comes next; None when no calendar is set."""
        return centre_now()
