"""Which customers a schedule calls on which day, over plain values: no database, no clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from app.calendar.rules import Calendar

PREVIEW_DAYS = 28
# Why somebody is not called, in the order in which it is asked.
REASONS = ("opted_out", "no_phone", "open_case", "planned", "recent", "class", "asset")


@dataclass(frozen=True)
class Person:
    """A customer as a schedule looks at them. last: of their last contact, or of being filed; aware.

    fitted: the oldest day on which something they own was fitted.
    """

    id: int
    name: str
    last: datetime
    klass: str | None = None
    fitted: date | None = None
    has_phone: bool = True
    opted_out: bool = False
    open_case: bool = False
    planned: bool = False


@dataclass(frozen=True)
class Rules:
    """A schedule's criteria and pace; see `CallSchedule`."""

    idle_days: int
    weekdays: Sequence[int]
    working_days: bool
    from_time: str
    until_time: str
    most_a_day: int
    active_from: date
    active_until: date | None = None
    klass: str | None = None
    asset_months: int | None = None


@dataclass
class Preview:
    """Who would be called on which day.

    left_out: how many are not, by reason. waiting: how many fit, but come later since the days are full.
    """

    days: list[tuple[date, list[Person]]] = field(default_factory=list)
    left_out: Mapping[str, int] = field(default_factory=dict)
    waiting: int = 0

    @property
    def total(self) -> int:
        """How many calls there would be."""
        return sum(len(people) for _day, people in self.days)


def reason(rules: Rules, person: Person, day: date, zone: Calendar) -> str:
    """Return why a person is not called on a day, one of REASONS, or "" when they are."""
    tests = {
        "opted_out": person.opted_out,
        "no_phone": not person.has_phone,
        "open_case": person.open_case,
        "planned": person.planned,
        "recent": person.last.astimezone(zone.zone).date() + timedelta(days=rules.idle_days) > day,
        "class": rules.klass is not None and person.klass != rules.klass,
        "asset": rules.asset_months is not None
        and (person.fitted is None or months_between(person.fitted, day) < rules.asset_months),
    }
    return next((name for name in REASONS if tests[name]), "")


def is_day(rules: Rules, day: date, calendar: Calendar) -> bool:
    """Tell whether a schedule calls on a day."""
    if day < rules.active_from or (rules.active_until is not None and day > rules.active_until):
        return False
    if rules.working_days:
        # A make-up day stands in for a working day, whichever weekday it falls on.
        return bool(calendar.spans(day)) and (
            day.isoweekday() in rules.weekdays or calendar.is_make_up_day(day)
        )
    return day.isoweekday() in rules.weekdays


def chosen(rules: Rules, people: Iterable[Person], day: date, calendar: Calendar) -> list[Person]:
    """Return who is called on a day: those longest without contact first, at most so many."""
    able = [one for one in people if not reason(rules, one, day, calendar)]
    return sorted(able, key=lambda one: (one.last, one.id))[: rules.most_a_day]


def preview(rules: Rules, people: Sequence[Person], first: date, calendar: Calendar) -> Preview:
    """Play four weeks: who is called does not come up again, and who becomes idle meanwhile does."""
    left = {one.id: one for one in people}
    found = Preview()
    for ahead in range(PREVIEW_DAYS):
        day = first + timedelta(days=ahead)
        if not is_day(rules, day, calendar):
            continue
        called = chosen(rules, left.values(), day, calendar)
        found.days.append((day, called))
        for one in called:
            del left[one.id]
    last = first + timedelta(days=PREVIEW_DAYS - 1)
    why = Counter(reason(rules, one, last, calendar) for one in left.values())
    found.waiting = why.pop("", 0)
    found.left_out = {name: why[name] for name in REASONS if why[name]}
    return found


def times(rules: Rules, count: int, day: date, calendar: Calendar, now: datetime) -> list[datetime]:
    """Spread `count` calls evenly over the window of a day; those whose time is past are due now."""
    begins, ends = (
        datetime.combine(day, time.fromisoformat(text), calendar.zone).astimezone(UTC)
        for text in (rules.from_time, rules.until_time)
    )
    begins = max(begins, now)
    if begins >= ends or not count:
        return [max(begins, now)] * count
    step = (ends - begins) / count
    # Whole minutes: nobody plans a call for 09:07:13.
    return [(begins + n * step).replace(second=0, microsecond=0) for n in range(count)]


def months_between(start: date, end: date) -> int:
    """Return how many whole months lie between two days."""
    return (end.year - start.year) * 12 + end.month - start.month - (end.day < start.day)
