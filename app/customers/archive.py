"""What other packages add to a customer's page: they know customers, customers do not know them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from markupsafe import Markup

from app.accounts.actor import Actor

Section = Callable[[int, Actor, datetime], Markup]
_sections: list[Section] = []


def add_section(section: Section) -> None:
    """Add a card to every customer's page: called with (customer id, reader, now), returns its HTML."""
    if section not in _sections:
        _sections.append(section)


def sections(customer_id: int, actor: Actor, now: datetime) -> list[Markup]:
    """Return the cards of all packages, in the order they were added."""
    return [section(customer_id, actor, now) for section in _sections]
