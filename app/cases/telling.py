"""Who is told what about a case: those who have its steps in hand, and by mail the customer."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from app.cases.tables import Case
from app.customers.tables import Customer
from app.db import session
from app.engine.tables import WorkItem
from app.notifications import service as notifications

# Customers hear by mail that we have their report, that it is solved, that it is closed.
MAILED = {"resolved": "customer_resolved", "closed": "customer_closed"}


def tell_workers(case: Case, kind: str, words: str, *, but: int | None, now: datetime) -> None:
    """Tell those who have the case's open steps in hand about something that concerns them."""
    query = sa.select(WorkItem.assignee_id).where(WorkItem.case_id == case.id, WorkItem.status == "claimed")
    people = [person for person in session().scalars(query) if person != but]
    params = {"number": case.number, "title": case.title, "words": words}
    notifications.notify(people, kind, params, f"/cases/{case.number}", now)


def tell_receiver(case: Case, kind: str, *, but: int | None, now: datetime) -> None:
    """Tell who took the case in, unless they did it themselves."""
    if case.received_by_id is not None and case.received_by_id != but:
        params = {"number": case.number, "title": case.title, "words": ""}
        notifications.notify([case.received_by_id], kind, params, f"/cases/{case.number}", now)


def tell_customer(case: Case, kind: str, *, now: datetime) -> None:
    """Mail the customer where they left an address, once for each round of the case."""
    customer = session().get(Customer, case.customer_id) if case.customer_id is not None else None
    if customer is None or not customer.email:
        return
    params = {"number": case.number, "title": case.title, "code": case.track_code}
    key = f"case:{case.id}:{case.round}:{kind}"
    url = f"/track?number={case.number}"
    notifications.queue_mail(customer.email, kind, params, url, locale=None, key=key, now=now)
