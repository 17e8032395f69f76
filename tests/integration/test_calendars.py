"""Several calendars, their versions, and whose work each counts for."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest
import sqlalchemy as sa

from app import calendar, clock
from app.calendar import content, official, service, store
from app.db import close_read_session, session, transaction
from app.errors import Conflict, Invalid, Refused
from tests.factories import MONDAY

ALWAYS = {
    "zone": "Asia/Shanghai",
    "weeks": [{"from": None, "spans": {str(day): [["00:00", "24:00"]] for day in range(1, 8)}}],
    "days": {},
    "known_until": None,
}


def save(key: str, changed: calendar.Calendar, based_on: int, comment: str = "") -> calendar.Calendar:
    with transaction():
        return service.save(
            key, content.write(changed), comment=comment, based_on=based_on, actor_id=None, now=MONDAY
        )


@pytest.fixture
def centre(app_context):
    with clock.at(MONDAY):
        with transaction():
            service.ensure_default(actor_id=None, now=MONDAY)
        yield calendar.current()


def test_a_fresh_centre_has_the_official_year_as_its_first_version(centre):
    assert (centre.key, centre.version, centre.name) == ("centre", 1, "客服中心")
    assert centre.days[date(2026, 2, 14)].spans == official.OFFICE
    assert centre.known_until == date(2026, 12, 31)


def test_a_change_is_a_version_more_and_the_old_one_stays_as_it_was(centre):
    closed = replace(centre, days={**centre.days, date(2026, 3, 4): calendar.rules.Day("停电", ())})
    assert save("centre", closed, 1, "停电一天").version == 2
    close_read_session()
    assert not calendar.current().spans(date(2026, 3, 4))
    assert calendar.get_version("centre", 1).spans(date(2026, 3, 4)) == official.OFFICE
    (found,) = content.differences(calendar.get_version("centre", 1), calendar.current())
    assert (found.what, found.where, found.before, found.after) == ("day", "2026-03-04", "", "停电")


def test_the_same_content_makes_no_version(centre):
    assert save("centre", centre, 1).version == 1


def test_of_two_people_at_one_calendar_the_second_is_told(centre):
    first = replace(centre, days={**centre.days, date(2026, 3, 4): calendar.rules.Day("停电", ())})
    second = replace(centre, days={**centre.days, date(2026, 3, 5): calendar.rules.Day("盘点", ())})
    save("centre", first, 1)
    with pytest.raises(Conflict):
        save("centre", second, 1)


def test_a_week_may_hold_from_a_date_on(centre):
    short = {day: ((time(9), time(12)),) if day < 6 else () for day in range(1, 8)}
    made = save("centre", replace(centre, weeks=(*centre.weeks, (date(2026, 4, 1), short))), 1)
    assert made.spans(date(2026, 3, 31)) == official.OFFICE
    assert made.spans(date(2026, 4, 1)) == ((time(9), time(12)),)


def test_everything_that_is_wrong_with_a_calendar_is_said_at_once(centre):
    wrong = {
        "zone": "Mars/Base",
        "weeks": [
            {"from": None, "spans": {"1": [["09:00", "12:00"], ["11:00", "13:00"]], "2": [["9", "x"]]}}
        ],
        "days": {"2026-02-30": {"name": "x", "spans": []}},
    }
    with pytest.raises(Invalid) as refused, transaction():
        service.save("centre", wrong, comment="", based_on=1, actor_id=None, now=MONDAY)
    assert {error.field for error in refused.value.errors} == {
        "zone", "weeks.0.1", "weeks.0.2", "days.2026-02-30",
    }  # fmt: skip


def test_the_most_particular_assignment_counts(centre):
    with transaction():
        for key in ("night", "always", "short"):
            service.create(key, key, ALWAYS, actor_id=None, now=MONDAY)
        service.assign("class", "device", "short", actor_id=None, now=MONDAY)
        service.assign("role", "repairpoint", "always", actor_id=None, now=MONDAY)
        service.assign("unit", "WP003", "night", actor_id=None, now=MONDAY)
    assert calendar.for_work(role="agent", klass="platform").key == "centre"
    assert calendar.for_work(role="agent", klass="device").key == "short"
    assert calendar.for_work(role="repairpoint", klass="device").key == "always"
    assert calendar.for_work(role="repairpoint", candidate="repairpoint:WP003", klass="device").key == "night"
    assert calendar.for_work(role="department", candidate="repairpoint").key == "always"
    with transaction():
        service.assign("role", "repairpoint", None, actor_id=None, now=MONDAY)
    assert calendar.for_work(role="repairpoint", klass="device").key == "short"


def test_the_centre_is_never_without_a_calendar_and_none_is_made_twice(centre):
    with pytest.raises(Refused), transaction():
        service.assign("default", "", None, actor_id=None, now=MONDAY)
    with pytest.raises(Refused), transaction():
        service.create("centre", "x", ALWAYS, actor_id=None, now=MONDAY)
    with pytest.raises(Invalid), transaction():
        service.create("Nacht Schicht", "", ALWAYS, actor_id=None, now=MONDAY)


def test_a_step_of_a_role_with_a_calendar_of_its_own_is_due_by_that(desk):
    with transaction():
        service.create("always", "全天", ALWAYS, actor_id=None, now=clock.now())
        service.assign("role", "agent", "always", actor_id=None, now=clock.now())
    desk.at(datetime(2026, 3, 6, 12, 0, tzinfo=UTC))  # a Friday evening
    case = desk.receive()
    assert case.item("register").due_at == clock.now() + timedelta(hours=2)


def test_other_processes_see_a_change_and_a_change_undone_leaves_nothing(centre, app):
    closed = replace(centre, days={**centre.days, date(2026, 3, 4): calendar.rules.Day("停电", ())})
    with pytest.raises(RuntimeError), transaction():
        service.save("centre", content.write(closed), comment="", based_on=1, actor_id=None, now=MONDAY)
        assert not calendar.current().spans(date(2026, 3, 4))
        raise RuntimeError
    assert calendar.current().spans(date(2026, 3, 4))
    save("centre", closed, 1)
    # Another process has kept what was before; it asks again once the revision is another.
    assert app.extensions.pop(f"kept:{store.REVISION}", None) is None
    assert calendar.current().version == 2


def test_the_calendar_of_an_older_release_becomes_the_first_of_several(app):
    runner = app.test_cli_runner()
    assert runner.invoke(args=["db", "downgrade", "202611262005"]).exit_code == 0
    spans = [["09:00", "17:00"]]
    with app.app_context(), transaction():
        session().execute(
            sa.text(
                "INSERT INTO centre_calendar (id, name, zone, week, known_until, version) "
                "VALUES (1, 'centre', 'Europe/Berlin', :week, :until, 4)"
            ),
            {"week": json.dumps({str(day): spans for day in range(1, 8)}), "until": date(2026, 12, 31)},
        )
        session().execute(
            sa.text(
                "INSERT INTO calendar_day (calendar_id, day, name, spans) VALUES (1, :day, 'Feiertag', '[]')"
            ),
            {"day": date(2026, 5, 1)},
        )
    assert runner.invoke(args=["db", "upgrade"]).exit_code == 0
    with app.app_context():
        found = calendar.current()
        assert (found.key, found.version, found.zone.key) == ("centre", 4, "Europe/Berlin")
        assert found.days[date(2026, 5, 1)] == calendar.rules.Day("Feiertag", ())
        assert found.spans(date(2026, 5, 2)) == ((time(9), time(17)),)
        close_read_session()
    assert runner.invoke(args=["db", "downgrade", "202611262005"]).exit_code == 0
    with app.app_context():
        assert session().execute(sa.text("SELECT version, zone FROM centre_calendar")).one() == (
            4,
            "Europe/Berlin",
        )
        close_read_session()
