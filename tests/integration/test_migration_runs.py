"""Moving many instances: checked, in batches, with reasons, taken back; what people see and who may."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from app import clock, engine, jobs
from app.accounts.actor import SYSTEM
from app.accounts.tables import Person
from app.db import close_read_session, session, transaction
from app.engine.tables import Event, Instance
from app.errors import Invalid, Refused
from app.procedures.migration import job, queries, service
from app.settings import ROOT
from tests.support.procedures import Procedures

CALLBACK = (ROOT / "bpmn" / "complaints" / "callback.bpmn").read_text("utf-8")


@pytest.fixture
def small(app_context) -> Procedures:
    return Procedures()


def begin(small, **values):
    with transaction():
        return service.begin("simple", 2, reason="测试", actor=SYSTEM, now=small.now, **values).id


def drive(run_id, small):
    while job.run_batch(run_id, small.now):
        pass
    close_read_session()
    return queries.run_page(run_id)


def renamed(xml):
    return xml.replace('name="判定"', 'name="裁定"')


def without_judge(xml):
    return xml.replace('"judge"', '"decide_it"').replace(">judge<", ">decide_it<")


def versions(small):
    return set(small.read(sa.select(Instance.version_id)))


def test_a_check_says_which_can_move_and_changes_nothing(small):
    small.run("simple")
    small.start("simple")
    small.deploy("simple", change=renamed)
    with small.as_it_was():
        page = drive(begin(small), small)
    assert page.counts == {"ok": 2} and page.run.finished_at is not None
    assert {row.from_version for row in page.rows} == {1}


def test_many_move_in_batches_and_each_step_is_called_as_in_the_new_version(small):
    small.run("simple")
    for _number in range(job.BATCH + 2):
        small.start("simple")
    small.deploy("simple", change=renamed)
    run_id = begin(small, dry_run=False)
    assert job.run_batch(run_id, small.now) == job.BATCH
    page = queries.run_page(run_id)
    assert (page.done, page.total, page.run.finished_at) == (job.BATCH, job.BATCH + 3, None)
    close_read_session()
    jobs.run("migrations", "tester")  # the page was closed: the scheduler goes on
    page = drive(run_id, small)
    assert page.counts == {"ok": job.BATCH + 3}
    assert len(versions(small)) == 1 and small.item("judge").name == "裁定"
    told = small.read(sa.select(Event).where(Event.kind == "procedure.migration_move"))
    assert [(one.data["ok"], one.data["reason"]) for one in told] == [(job.BATCH + 3, "测试")]


def test_what_cannot_move_stays_with_its_reason_while_the_others_move(small):
    small.run("simple")
    stuck = small.instance
    small.deploy("simple", change=without_judge)
    with small.as_it_was():
        page = drive(begin(small, dry_run=False), small)
    assert page.counts == {"refused": 1}
    assert "judge" in page.rows[0].reasons[0] and page.reasons[0][1] == 1
    assert page.rows[0].instance_id == stuck


def test_a_move_is_taken_back_only_where_nothing_has_happened_since(small):
    first = small.run("simple")
    second = small.start("simple")
    small.deploy("simple", change=renamed)
    moved = begin(small, dry_run=False)
    drive(moved, small)
    small.complete("judge", approve=True)  # the second goes on
    with transaction():
        undo = service.take_back(moved, reason="弄错了", actor=SYSTEM, now=small.now).id
    page = drive(undo, small)
    assert {row.instance_id: row.status for row in page.rows} == {first: "ok", second: "refused"}
    small.instance = first
    assert small.item("judge").name == "判定"
    small.complete("judge", approve=True)
    assert engine.get_instance(second).version_id == engine.latest_version("simple").id


def test_a_taken_back_instance_has_the_timers_it_had(small):
    small.run("rounds", business_key="K1", dissatisfied=False)
    before = [(one.id, one.element, one.due_at) for one in small.timers()]
    state = small.state()
    small.deploy("rounds", change=lambda xml: xml.replace("询问", "打听"))
    with transaction():
        run = service.begin("rounds", 2, dry_run=False, reason="x", actor=SYSTEM, now=small.now).id
    drive(run, small)
    small.now += timedelta(hours=1)
    with transaction():
        undo = service.take_back(run, reason="x", actor=SYSTEM, now=small.now).id
    assert drive(undo, small).counts == {"ok": 1}
    assert [(one.id, one.element, one.due_at) for one in small.timers()] == before
    assert small.state()["workflow"]["tasks"].keys() == state["workflow"]["tasks"].keys()


def test_a_run_is_followed_by_one_other_run_and_needs_a_reason(small):
    small.run("simple")
    small.deploy("simple", change=renamed)
    checked = begin(small)
    with pytest.raises(Refused), transaction():
        service.move_checked(checked, reason="x", actor=SYSTEM, now=small.now)  # not finished yet
    drive(checked, small)
    with pytest.raises(Invalid), transaction():
        service.move_checked(checked, reason=" ", actor=SYSTEM, now=small.now)
    with transaction():
        service.move_checked(checked, reason="x", actor=SYSTEM, now=small.now)
    with pytest.raises(Refused), transaction():
        service.move_checked(checked, reason="x", actor=SYSTEM, now=small.now)  # a second click


def test_there_must_be_something_to_move(small):
    small.run("simple")
    small.deploy("simple", change=renamed)
    with pytest.raises(Invalid):
        begin(small, instances=[999])


def test_the_command_moves_and_says_how_many(small, app):
    small.run("simple")
    small.deploy("simple", change=renamed)
    runner = app.test_cli_runner()
    checked = runner.invoke(args=["bpmn", "migrate", "simple", "2", "--dry-run", "--lang", "en"])
    assert (checked.exit_code, checked.output.splitlines()[0][:11]) == (0, "Can move: 1")
    moved = runner.invoke(args=["bpmn", "migrate", "simple", "2", "--reason", "r", "--lang", "en"])
    assert moved.exit_code == 0 and "Moved: 1" in moved.output
    again = runner.invoke(args=["bpmn", "migrate", "simple", "2", "--reason", "r", "--lang", "en"])
    assert again.exit_code == 1 and "Choose at least one" in again.output


# ---------------------------------------------------------------- pages


def sign_in(app, username):
    app.config["WTF_CSRF_ENABLED"] = False
    with app.app_context():
        person = session().scalar(sa.select(Person).where(Person.username == username))
        key = f"{person.id}.{person.session_version}"
        close_read_session()
    client = app.test_client()
    with client.session_transaction() as kept:
        kept["_user_id"], kept["_fresh"] = key, True
    return client


@pytest.fixture
def two_versions(app, desk):
    with app.app_context():
        case = desk.receive()
        number = case.instance.id
        newer = CALLBACK.replace("拨满次数", "拨满约定次数")
        with transaction():
            engine.deploy({"complaints/callback.bpmn": newer.encode()}, actor=SYSTEM, now=clock.now())
        close_read_session()
    return number


def test_a_designer_checks_moves_and_takes_back_on_the_pages(app, two_versions):
    client = sign_in(app, "designer")
    page = client.get("/procedures/customer_issue/migrate")
    assert page.status_code == 200 and f'value="{two_versions}"' in page.text
    begun = client.post("/procedures/customer_issue/migrate", data={"version": 2, "which": "all"})
    assert begun.status_code == 303
    checked = client.get(begun.location)
    assert "可以迁移" in checked.text
    moved = client.post(f"{begun.location}/move", data={"reason": "改了说法"})
    assert "已迁移" in client.get(moved.location).text
    back = client.post(f"{moved.location}/undo", data={"reason": "先不改"})
    assert "已撤回" in client.get(back.location).text
    again = client.post(f"{moved.location}/undo", data={"reason": "先不改"})
    assert again.location == moved.location  # a double click takes back once


def test_nothing_ticked_is_said_beside_the_list(app, two_versions):
    client = sign_in(app, "operator")
    answer = client.post("/procedures/customer_issue/migrate", data={"version": 2, "which": "selected"})
    assert answer.status_code == 422 and "至少选择" in answer.text


def test_who_only_looks_may_not_move(app, two_versions):
    client = sign_in(app, "agent")
    assert client.get("/procedures/customer_issue/migrate").status_code == 403
    assert client.post("/procedures/customer_issue/migrate", data={"version": 2}).status_code == 403
    assert client.get("/procedures/migrations/1").status_code == 403
