"""When mails to staff may go out. Plain Python: no database, no clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

Quiet = tuple[time, time]
# A centre that is closed for longer than this is told all the same.
MOST_DAYS = 15


def read_quiet(text: str) -> Quiet | None:
    """Return quiet hours of "21:30-07:00"; None for "" and for equal times. Raises ValueError."""
    if not text.strip():
        return None
    begins, dash, ends = text.strip().partition("-")
    if not dash:
        raise ValueError(f"no quiet hours: {text!r}")
    quiet = time.fromisoformat(begins.strip()), time.fromisoformat(ends.strip())
    return None if quiet[0] == quiet[1] else quiet


def mail_from(
    instant: datetime, zone: ZoneInfo, quiet: Quiet | None, is_day_off: Callable[[date], bool] | None = None
) -> datetime:
    """Return when a mail of this instant may go out: at once, or when the quiet hours are over; aware.

    quiet:      from … until …, by the clock on the wall; over midnight where it ends before it begins, none
                where it ends as it begins.
    is_day_off: whether all of a day is quiet.
    """
    at = instant
    if quiet is not None and quiet[0] == quiet[1]:
        quiet = None
    for _day in range(MOST_DAYS):
        local = at.astimezone(zone)
        if is_day_off is not None and is_day_off(local.date()):
            at = _start_of_day(local.date() + timedelta(days=1), zone)
            continue
        if quiet is None or not _within(local.time(), quiet):
            return at
        begins, ends = quiet
        # After midnight, or within one day, they end today.
        day = local.date() if begins < ends or local.time() < ends else local.date() + timedelta(days=1)
        at = datetime.combine(day, ends, zone).astimezone(instant.tzinfo)
    return at


def _within(now: time, quiet: Quiet) -> bool:
    begins, ends = quiet
    return begins <= now < ends if begins < ends else now >= begins or now < ends


def _start_of_day(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, zone)
