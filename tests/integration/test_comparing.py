"""Versions beside each other, what publishing would mean for work under way, and the way back."""

from __future__ import annotations

import json

import flask_babel
import pytest
import sqlalchemy as sa

from app import clock, engine
from app.db import close_read_session, session, transaction
from app.designer import queries, service
from app.designer.impact import impact
from app.engine.deploy import latest_files
from app.engine.tables import Event, WorkItem
from app.inbox.tables import Draft
from app.procedures.differences import compare
from tests.integration.case_pages import signed_in

CALLBACK, JUDGE, ALLOWANCE = "complaints/callback.bpmn", "complaints/judge.json", "complaints/allowance.dmn"


@pytest.fixture
def case(desk):
    return desk.receive(title="终端频繁离线").analyse("device")


@pytest.fixture
def designer(app, desk):
    return signed_in(app, "designer")


def publish(desk, path, content, comment="试"):
    actor = desk.actor("designer")
    with transaction():
        draft = service.open_version("customer_issue", actor=actor, now=clock.now())
        row = queries.file(draft.id, path)
        service.save(draft.id, path, content, revision=row.revision, actor=actor, now=clock.now())
        service.publish(draft.id, comment, actor=actor, now=clock.now())
    close_read_session()


def renamed(content: bytes) -> bytes:
    new = content.replace("客户回访".encode(), "客户再访".encode())
    assert new != content
    return new


def test_two_versions_are_compared(desk, designer):
    publish(desk, CALLBACK, renamed(latest_files()[CALLBACK]))
    page = designer.get("/procedures/callback/compare")
    assert page.status_code == 200
    assert "<ins>" in page.text
    assert "客户再访" in page.text
    assert "data-compare" in page.text
    assert designer.get("/procedures/callback/compare?from=1&to=9").status_code == 404
    assert "没有差异" in designer.get("/procedures/callback/compare?from=2&to=2").text


def test_comparing_speaks_english(app, desk):
    publish(desk, CALLBACK, renamed(latest_files()[CALLBACK]))
    flask_babel.refresh()  # the centre's own context has spoken Chinese
    page = signed_in(app, "designer", "en").get("/procedures/callback/compare?from=2&to=1").text
    assert "Compare versions" in page
    assert "Nothing differs" not in page


def test_publishing_says_first_what_changes_and_what_it_means(desk, case, designer):
    with transaction():
        draft = service.open_version("customer_issue", actor=desk.actor("designer"), now=clock.now())
        content = renamed(queries.file(draft.id, CALLBACK).content)
        service.save(
            draft.id, CALLBACK, content, revision=1, actor=desk.actor("designer"), now=clock.now()
        )  # fmt: skip
    close_read_session()
    page = designer.get(f"/designer/{draft.id}/publish").text
    assert "对在办工单的影响" in page
    assert "可以迁移到新版本" in page
    assert "客户再访" in page


def test_a_step_that_is_gone_and_a_field_that_is_lost_are_named(desk, case):
    files = latest_files()
    item = case.item("judge")
    schema = json.loads(files[JUDGE])
    lost = next(iter(schema["properties"]))
    del schema["properties"][lost]
    device = files["complaints/device_problem.bpmn"].replace(b'id="judge"', b'id="judge_anew"')
    changed = {JUDGE: json.dumps(schema).encode(), "complaints/device_problem.bpmn": device}
    with transaction():
        agent = desk.actor("agent")
        session().add(
            Draft(
                person_id=agent.id,
                subject=f"work_item:{item.id}",
                values={lost: "typed", "other": ""},
                saved_at=clock.now(),
            )
        )
    close_read_session()
    found = impact(changed, compare(files, {**files, **changed}))
    places = {place.name: place.stays for one in found.procedures for place in one.places}
    assert False in places.values()
    assert [(draft.fields, draft.person != "") for draft in found.drafts] == [((lost,), True)]


def test_timers_of_a_changed_allowance_are_counted(desk, case):
    files = latest_files()
    changed = {ALLOWANCE: files[ALLOWANCE].replace(b"PT8H", b"PT9H")}
    assert changed[ALLOWANCE] != files[ALLOWANCE]
    assert impact(changed, compare(files, {**files, **changed})).timers > 0
    none = {CALLBACK: renamed(files[CALLBACK])}
    assert impact(none, compare(files, {**files, **none})).timers == 0


def test_the_cost_does_not_grow_with_the_cases(desk, case, count_statements):
    files = latest_files()
    changed = {CALLBACK: renamed(files[CALLBACK])}
    differences = compare(files, {**files, **changed})
    counts = []
    for _more in range(2):
        close_read_session()
        with count_statements() as counted:
            impact(changed, differences)
        counts.append(len(counted))
        for _n in range(3):
            desk.receive(title="又一个")
    assert counts[0] == counts[1] <= 6


def test_going_back_is_a_publication_of_its_own(desk, case, designer):
    first = latest_files()[CALLBACK]
    publish(desk, CALLBACK, renamed(first))
    answer = designer.post("/designer/new", data={"procedure": "customer_issue", "version": "1"})
    assert answer.status_code == 303
    draft_id = int(answer.location.split("/")[-2])
    page = designer.get(answer.location)
    assert "退回到第 1 版" in page.text
    assert "客户再访" in page.text  # what would be taken back
    assert designer.post(f"/designer/{draft_id}/publish", data={"comment": "退回到第 1 版"}).status_code == 303
    close_read_session()
    assert latest_files()[CALLBACK] == first
    assert engine.latest_version("customer_issue").number == 3
    created = session().scalar(
        sa.select(Event).where(Event.stream == f"draft:{draft_id}", Event.kind == "draft.created")
    )
    assert created.data["back_to"] == 1
    assert session().scalar(sa.select(WorkItem.status).where(WorkItem.id == case.item("judge").id)) != "done"


def test_there_is_no_way_back_to_a_version_that_never_was(designer):
    assert designer.post("/designer/new", data={"procedure": "callback", "version": "7"}).status_code == 404
