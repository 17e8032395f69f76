"""Who does whose work, what a password must be, when an account locks: over plain values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import gettext as _

from app.errors import FieldError, Invalid, Refused

SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 200
# The contract's, for demo mode alone; everybody knows it.
DEMO_PASSWORD = "demo"  # noqa: S105


@dataclass(frozen=True)
class Seat:
    """A post as the rules see it.

    key:     the candidate that work is addressed to, "agent" or "repairpoint:WP003".
    holders: ids of the enabled people in it.
    """

    post_id: int
    role: str
    key: str
    above_id: int | None
    holders: frozenset[int]


def duties(seats: Iterable[Seat]) -> dict[str, frozenset[int]]:
    """Return who does the work addressed to each candidate key.

    The holders of its posts; when nobody holds any of them, those who do the work of the post above, and
    so on upwards. A key whose whole line is vacant has nobody.
    """
    seats = list(seats)
    by_id = {seat.post_id: seat for seat in seats}
    by_key: dict[str, list[Seat]] = defaultdict(list)
    for seat in seats:
        by_key[seat.key].append(seat)

    def people(key: str, asked: frozenset[str]) -> frozenset[int]:
        direct = frozenset[int]().union(*(seat.holders for seat in by_key[key]))
        if direct or key in asked:  # two posts above each other would ask for ever
            return direct
        above = {by_id[seat.above_id].key for seat in by_key[key] if seat.above_id in by_id}
        return frozenset[int]().union(*(people(other, asked | {key}) for other in above))

    return {key: people(key, frozenset()) for key in by_key}


def groups_of(duties_by_key: Mapping[str, frozenset[int]]) -> dict[int, frozenset[str]]:
    """Turn it round: the candidate keys each person works for."""
    found: dict[int, set[str]] = defaultdict(set)
    for key, people in duties_by_key.items():
        for person in people:
            found[person].add(key)
    return {person: frozenset(keys) for person, keys in found.items()}


def check_password(password: str, username: str, *, demo: bool = False, field: str = "new_password") -> None:
    """Raise Invalid unless the password is long enough and not the user name; the demo allows short ones."""
    message = ""
    if len(password) > LONGEST_PASSWORD:
        message = _("At most %(n)s characters, please.", n=LONGEST_PASSWORD)
    elif demo and password:
        return
    elif len(password) < SHORTEST_PASSWORD:
        message = _("At least %(n)s characters, please.", n=SHORTEST_PASSWORD)
    elif username.casefold() in (password.casefold(), password.casefold()[::-1]):
        message = _("The password must not be the user name.")
    elif len(set(password)) < 4:
        message = _("Please use more than three different characters.")
    if message:
        raise Invalid(message, [FieldError(field, message)])


def lock_after(failures: int, allowed: int, minutes: int, now: datetime) -> datetime | None:
    """Return until when an account is locked after so many failures in a row, or None."""
    return now + timedelta(minutes=minutes) if failures >= allowed else None


def check_an_admin_remains(admins: frozenset[int] | set[int]) -> None:
    """Refuse a change after which nobody could administer users."""
    if not admins:
        raise Refused(_("This is the last administrator. Make somebody else an administrator first."))
