"""What nobody needs any more is thrown away by the scheduler, once a day."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from app import clock
from app.accounts.tables import IdempotencyKey
from app.db import close_read_session, session, transaction
from app.inbox.tables import Draft
from app.timers import upkeep
from app.timers.job import tick


def key(desk, name: str, age: timedelta) -> IdempotencyKey:
    return IdempotencyKey(
        person_id=desk.actor("agent").id,
        key=name,
        request_digest="0" * 64,
        status=201,
        body="{}",
        created_at=clock.now() - age,
    )


def draft(desk, subject: str, age: timedelta) -> Draft:
    return Draft(
        person_id=desk.actor("supervisor").id, subject=subject, values={"a": "写"}, saved_at=clock.now() - age
    )


def left(column) -> list[str]:
    close_read_session()
    return sorted(session().scalars(sa.select(column)))


def test_old_answers_to_requests_are_forgotten_and_young_ones_kept(desk):
    with transaction() as write:
        write.add_all([key(desk, "old", timedelta(days=31)), key(desk, "young", timedelta(days=29))])
    tick("w")
    assert left(IdempotencyKey.key) == ["young"]


def test_drafts_of_tasks_that_are_over_are_forgotten_after_a_week(desk):
    over, young, waiting = desk.receive(), desk.receive(), desk.receive()
    kept = [f"work_item:{young.item('register').id}", f"work_item:{waiting.item('register').id}", "case.new"]
    month = timedelta(days=30)
    with transaction() as write:
        write.add_all(draft(desk, subject, month) for subject in [kept[1], kept[2]])
        write.add(draft(desk, f"work_item:{over.item('register').id}", month))
        write.add(draft(desk, kept[0], timedelta(days=1)))
    over.do("register")
    young.do("register")
    tick("w")
    assert left(Draft.subject) == sorted(kept)


def test_it_is_done_once_a_day(desk, count_statements):
    tick("w")
    with count_statements() as counted:
        upkeep.daily(clock.now())
    assert len(counted) == 0
    with transaction() as write:
        write.add(key(desk, "old", timedelta(days=31)))
    tick("w")
    assert left(IdempotencyKey.key) == ["old"]
    desk.pass_time(timedelta(days=1))
    tick("w")
    assert left(IdempotencyKey.key) == []
