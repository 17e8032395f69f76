"""Whether the service centre is open, in words for the top bar."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _

from app import calendar, clock
from app.web.filters import local_time
from app.web.i18n import content


def centre_now() -> dict[str, Any]:
    """Return {open, time, next, note}: now by the centre's clock, what comes next, 调休 or a holiday."""
    current, now = calendar.current(), clock.now()
    local = now.astimezone(current.zone)
    opened = current.is_open(now)
    change = calendar.next_change(current, now)
    if change is None:
        words = ""
    elif change.astimezone(current.zone).date() == local.date():
        time = f"{change.astimezone(current.zone):%H:%M}"
        words = _("closes %(t)s", t=time) if opened else _("opens %(t)s", t=time)
    else:
        words = _("closes %(t)s", t=local_time(change)) if opened else _("opens %(t)s", t=local_time(change))
    exception = current.days.get(local.date())
    return {
        "open": opened,
        "time": f"{local:%H:%M}",
        "next": words,
        "note": content(exception.name) if exception else "",
    }
