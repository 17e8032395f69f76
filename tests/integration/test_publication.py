"""Publishing that waits for a second person, for an instant, or for both."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app import clock, engine, jobs, settings_store
from app.accounts.tables import Person
from app.db import close_read_session, session, transaction
from app.designer import publication, queries, service
from app.engine.deploy import latest_files
from app.engine.tables import Event
from app.errors import Conflict, Refused
from app.notifications.tables import Notification
from tests.integration.case_pages import signed_in
from tests.support.api import check_problem
from tests.support.people import make_person

CALLBACK = "complaints/callback.bpmn"


@pytest.fixture
def draft(desk):
    """A draft of one's own that changes a word."""
    actor = desk.actor("designer")
    with transaction():
        made = service.open_version("callback", actor=actor, now=clock.now())
        content = queries.file(made.id, CALLBACK).content.replace("客户回访".encode(), "客户再访".encode())
        service.save(made.id, CALLBACK, content, revision=1, actor=actor, now=clock.now())
        number = made.id
    close_read_session()
    return number


@pytest.fixture
def two(desk):
    """A second designer, and the rule that two have to agree."""
    make_person("second", "designer")
    with transaction():
        settings_store.put("procedures.second_person", True, actor_id=None, now=clock.now())


def told(kind):
    query = sa.select(Person.username).join(Notification, Notification.person_id == Person.id)
    return sorted(session().scalars(query.where(Notification.kind == kind)))


def version() -> int:
    close_read_session()
    return engine.latest_version("callback").number


def post(client, draft, do, **more):
    return client.post(f"/designer/{draft}/publish", data={"do": do, **more})


def test_a_second_person_is_asked_agrees_and_it_is_published(app, desk, two, draft):
    client = signed_in(app, "designer")
    assert "请第二人确认" in client.get(f"/designer/{draft}/publish").text
    assert post(client, draft, "publish", comment="改个词").status_code == 409
    assert post(client, draft, "ask", comment="改个词").status_code == 303
    close_read_session()
    assert told("publication_asked") == ["second"]
    with pytest.raises(Refused), transaction():
        publication.agree(draft, actor=desk.actor("designer"), now=clock.now())
    assert version() == 1
    with transaction():
        made = publication.agree(draft, actor=desk.actor("second"), now=clock.now())
    assert "callback" in {one.key for one in made}
    assert version() == 2
    assert told("publication_done") == ["designer"]
    kinds = session().scalars(sa.select(Event.kind).where(Event.stream == f"draft:{draft}").order_by(Event.id))
    assert [kind for kind in kinds if "publi" in kind] == [
        "draft.publication_asked", "draft.publication_agreed", "draft.published",
    ]  # fmt: skip


def test_where_nobody_else_could_agree_it_is_said_at_once(app, desk, draft):
    with transaction():
        settings_store.put("procedures.second_person", True, actor_id=None, now=clock.now())
    with pytest.raises(Refused) as refused, transaction():
        publication.ask(draft, "改个词", actor=desk.actor("designer"), now=clock.now())
    close_read_session()
    # On the page itself, with what was typed still there.
    answer = post(signed_in(app, "designer"), draft, "ask", comment="改了一个词")
    assert answer.status_code == 409
    assert str(refused.value) in answer.text and ">改了一个词</textarea>" in answer.text


def test_what_was_changed_after_it_was_asked_for_is_not_agreed_to(desk, two, draft):
    actor = desk.actor("designer")
    with transaction():
        publication.ask(draft, "改个词", actor=actor, now=clock.now())
        row = queries.file(draft, CALLBACK)
        service.save(draft, CALLBACK, row.content + b"\n", revision=row.revision, actor=actor, now=clock.now())
    with pytest.raises(Conflict), transaction():
        publication.agree(draft, actor=desk.actor("second"), now=clock.now())
    assert version() == 1
    with transaction():
        publication.call_off(draft, actor=actor, now=clock.now())
    with pytest.raises(Refused), transaction():
        publication.agree(draft, actor=desk.actor("second"), now=clock.now())


def test_it_is_published_at_its_instant_and_not_before(app, desk, draft):
    client = signed_in(app, "designer")
    at = clock.now() + timedelta(days=1)
    assert post(client, draft, "publish", comment="改个词", publish_at="soon").status_code == 422
    assert post(client, draft, "publish", comment="改个词", publish_at="2020-01-01T09:00").status_code == 422
    with transaction():
        publication.ask(draft, "改个词", publish_at=at, actor=desk.actor("designer"), now=clock.now())
    assert "等待发布" in client.get(f"/designer/{draft}/publish").text
    close_read_session()
    assert publication.publish_due(at - timedelta(seconds=1)) == 0
    assert version() == 1
    assert publication.publish_due(at) == 1
    assert version() == 2
    assert "客户再访".encode() in latest_files()[CALLBACK]
    close_read_session()
    assert publication.publish_due(at) == 0
    assert "publications" in {job.name for job in jobs.registered()}


def test_what_does_not_fit_any_more_is_called_off_and_said(desk, draft):
    actor, at = desk.actor("designer"), clock.now() + timedelta(days=1)
    with transaction():
        publication.ask(draft, "改个词", publish_at=at, actor=actor, now=clock.now())
    with transaction():
        other = service.open_version("callback", actor=actor, now=clock.now())
        content = queries.file(other.id, CALLBACK).content.replace("客户回访".encode(), "客户四访".encode())
        service.save(other.id, CALLBACK, content, revision=1, actor=actor, now=clock.now())
        service.publish(other.id, "先发", actor=actor, now=clock.now())
    close_read_session()
    assert publication.publish_due(at) == 1
    assert version() == 2
    assert told("publication_failed") == ["designer"]
    assert queries.get(draft).publish_at is None
    assert queries.get(draft).is_open


def test_what_another_process_has_published_is_no_failure(desk, draft):
    actor, at = desk.actor("designer"), clock.now() + timedelta(days=1)
    with transaction():
        publication.ask(draft, "改个词", publish_at=at, actor=actor, now=clock.now())
        service.publish(draft, "改个词", agreed=True, actor=actor, now=clock.now())
    with transaction():
        publication._give_up(draft, "too late", at)
    assert told("publication_failed") == []


def test_nobody_gets_round_the_second_person(app, desk, two, draft, outside):
    files = {"files": (io.BytesIO(b"<x/>"), "callback.bpmn")}
    sent = signed_in(app, "designer").post("/procedures/deploy", data={"parcel": "x"})
    assert sent.status_code == 409
    answer = outside["designer"].send("POST", "/procedures", data=files, content_type="multipart/form-data")
    check_problem(answer, 409)
    check_problem(outside["designer"].post(f"/drafts/{draft}/publish", {"comment": "改个词"}), 409)


def test_the_columns_come_to_a_centre_that_has_drafts_already(app, desk, draft):
    close_read_session()
    runner = app.test_cli_runner()
    for arguments in (["db", "downgrade", "202611270100"], ["db", "upgrade"]):
        done = runner.invoke(args=arguments)
        assert done.exit_code == 0, done.output
    with app.app_context():
        assert [row.path for row in queries.files(draft) if row.changed] == [CALLBACK]
        assert queries.get(draft).asked_at is None
        close_read_session()
