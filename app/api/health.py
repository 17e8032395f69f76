"""What monitoring asks: is it alive, is it ready, how is it."""

from __future__ import annotations

import sqlalchemy as sa
from flask import Blueprint, Response, current_app
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from sqlalchemy.exc import SQLAlchemyError

from app import engine
from app.clock import now
from app.db import session
from app.engine.tables import Incident, Instance, Timer, WorkItem
from app.notifications.tables import Outbox

bp = Blueprint("health", __name__)


@bp.get("/healthz")
def healthz() -> Response:
    """Answer as long as the process lives."""
    return current_app.response_class('{"status":"ok"}', mimetype="application/json")


@bp.get("/readyz")
def readyz() -> Response:
    """Answer 200 when the database does, else 503."""
    try:
        session().execute(sa.text("SELECT 1"))
    except SQLAlchemyError:
        return current_app.response_class('{"status":"database away"}', 503, mimetype="application/json")
    return healthz()


@bp.get("/metrics")
def metrics() -> Response:
    """Give the centre's gauges as Prometheus reads them, asked from the database."""
    registry = CollectorRegistry()
    items = Gauge("desk_work_items", "Work items by status", ["status"], registry=registry)
    for status, count in session().execute(
        sa.select(WorkItem.status, sa.func.count()).group_by(WorkItem.status)
    ):
        items.labels(status).set(count)
    instances = Gauge("desk_instances", "Process instances by status", ["status"], registry=registry)
    for status, count in session().execute(
        sa.select(Instance.status, sa.func.count()).group_by(Instance.status)
    ):
        instances.labels(status).set(count)
    overdue = sa.select(sa.func.count()).where(
        WorkItem.status.in_(("open", "claimed")), WorkItem.due_at < now()
    )
    _gauge(registry, "desk_work_items_overdue", "Open work items past their deadline", overdue)
    # What stands still is no scheduler's fault: it is counted by itself.
    due = Timer.status == "waiting", Timer.due_at < now()
    late = sa.select(sa.func.count()).where(*due, Timer.held.is_(False))
    _gauge(registry, "desk_timers_late", "Timers that are due and have not fired", late)
    held = sa.select(sa.func.count()).where(*due, Timer.held.is_(True))
    _gauge(registry, "desk_timers_held", "Timers that are due in instances that stand still", held)
    oldest, instant = engine.next_due(), now()
    waited = (instant - oldest).total_seconds() if oldest is not None and oldest < instant else 0
    name, text = "desk_timers_oldest_due_seconds", "How long the timer due longest has been due"
    Gauge(name, text, registry=registry).set(waited)
    incidents = sa.select(sa.func.count()).where(Incident.resolved_at.is_(None))
    _gauge(registry, "desk_incidents_open", "Steps that stand still", incidents)
    unsent = sa.select(sa.func.count()).where(Outbox.status == "waiting")
    _gauge(registry, "desk_outbox_waiting", "Messages not sent yet", unsent)
    return current_app.response_class(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _gauge(registry: CollectorRegistry, name: str, text: str, query: sa.Select[int]) -> None:
    Gauge(name, text, registry=registry).set(session().scalar(query) or 0)
