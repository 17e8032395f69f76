"""Drafts of procedures: kept byte by byte, two people at once, discarded and brought back, published."""

from __future__ import annotations

import hashlib
import io
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from app import engine
from app.accounts.actor import Actor
from app.accounts.tables import Person
from app.db import close_read_session, session, transaction
from app.designer import queries, service
from app.engine.tables import Event
from app.errors import Conflict, Invalid, NotFound, Refused
from app.settings import ROOT
from tests.factories import PASSWORD

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
SHIPPED = {
    path.relative_to(ROOT / folder).as_posix(): path.read_bytes()
    for folder in ("bpmn", "forms")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in (".bpmn", ".dmn", ".json") and "tests" not in path.parts
}
CALLBACK = "complaints/callback.bpmn"


@pytest.fixture
def designers(desk):
    """Two designers of one centre; nothing is read before their first write."""
    people = dict(session().execute(sa.select(Person.username, Person.id)).all())
    close_read_session()
    return [
        Actor(id=people[name], username=name, display_name=name, permissions=frozenset({"procedure.deploy"}))
        for name in ("designer", "admin")
    ]


def opened(actor, key="customer_issue", now=NOW) -> int:
    with transaction():
        return service.open_version(key, actor=actor, now=now).id


def saved(draft_id, path, content, revision, actor, now=NOW):
    with transaction():
        return service.save(draft_id, path, content, revision=revision, actor=actor, now=now)


def content_of(draft_id, path) -> bytes:
    close_read_session()
    return queries.file(draft_id, path).content


def revision_of(draft_id, path) -> int:
    close_read_session()
    return queries.file(draft_id, path).revision


def events_of(draft_id) -> list[str]:
    close_read_session()
    rows = session().scalars(
        sa.select(Event.kind).where(Event.stream == f"draft:{draft_id}").order_by(Event.seq)
    )
    return list(rows)


def test_every_shipped_file_is_in_some_draft_byte_by_byte(designers):
    found = {}
    for key in ("customer_issue", "regular_call"):
        draft_id = opened(designers[0], key)
        found |= {row.path: row.content for row in queries.files(draft_id)}
    assert found == SHIPPED


def test_saving_what_was_there_already_writes_nothing(designers):
    draft_id = opened(designers[0])
    for path, content in SHIPPED.items():
        if path in {row.path for row in queries.files(draft_id)}:
            again = saved(draft_id, path, content, 1, designers[0], NOW + timedelta(hours=1))
            assert (again.written, again.changed, again.revision, again.at) == (False, False, 1, NOW), path
    assert content_of(draft_id, CALLBACK) == SHIPPED[CALLBACK]
    assert events_of(draft_id) == ["draft.created"]


def test_a_save_is_kept_with_who_and_when(designers):
    draft_id = opened(designers[0])
    changed = SHIPPED[CALLBACK].replace("拨满次数".encode(), "拨满约定次数".encode())
    after = saved(draft_id, CALLBACK, changed, 1, designers[1], NOW + timedelta(minutes=5))
    assert (after.written, after.changed, after.revision) == (True, True, 2)
    row = queries.file(draft_id, CALLBACK)
    assert (row.content, row.updated_by_id) == (changed, designers[1].id)
    assert row.base_digest == hashlib.sha256(SHIPPED[CALLBACK]).hexdigest()
    assert events_of(draft_id) == ["draft.created", "draft.saved"]
    # Undone, it is the running version's file again.
    back = saved(draft_id, CALLBACK, SHIPPED[CALLBACK], 2, designers[1], NOW + timedelta(minutes=6))
    assert (back.written, back.changed) == (True, False)


def test_the_second_of_two_designers_is_told_who_was_first_and_loses_nothing(designers):
    first, second = designers
    draft_id = opened(first)
    theirs, mine = SHIPPED[CALLBACK] + b"<!-- theirs -->", SHIPPED[CALLBACK] + b"<!-- mine -->"
    saved(draft_id, CALLBACK, theirs, 1, first, NOW + timedelta(minutes=1))
    with pytest.raises(Conflict) as refused:
        saved(draft_id, CALLBACK, mine, 1, second, NOW + timedelta(minutes=2))
    assert refused.value.at == NOW + timedelta(minutes=1)
    assert refused.value.by == queries.name_of(first.id)
    assert content_of(draft_id, CALLBACK) == theirs
    with transaction():
        copy_id = service.copy(draft_id, path=CALLBACK, content=mine, actor=second, now=NOW).id
    assert (content_of(copy_id, CALLBACK), content_of(draft_id, CALLBACK)) == (mine, theirs)
    # Somebody at another file is in nobody's way.
    other = "complaints/judge.json"
    assert saved(draft_id, other, b'{"type": "object"}', 1, second).written


def test_who_has_a_draft_open_is_seen_by_others_for_a_while(designers):
    first, second = designers
    draft_id = opened(first)
    for actor in (first, first, second):
        with transaction():
            service.seen(draft_id, actor=actor, now=NOW)
    names = [one.name for one in queries.present(draft_id, but=first.id, now=NOW + timedelta(seconds=30))]
    assert names == [queries.name_of(second.id)]
    assert queries.present(draft_id, but=first.id, now=NOW + timedelta(minutes=5)) == []


def test_a_discarded_draft_takes_no_changes_and_can_be_brought_back(designers):
    draft_id = opened(designers[0])
    with transaction():
        service.discard(draft_id, actor=designers[0], now=NOW)
    with pytest.raises(Refused):
        saved(draft_id, CALLBACK, b"<x/>", 1, designers[0])
    with transaction():
        service.restore(draft_id, actor=designers[0], now=NOW)
    assert content_of(draft_id, CALLBACK) == SHIPPED[CALLBACK]
    assert saved(draft_id, CALLBACK, b"<x/>", 1, designers[0]).written
    assert events_of(draft_id) == ["draft.created", "draft.discarded", "draft.restored", "draft.saved"]


def test_a_new_procedure_is_found_in_order_by_the_linter_and_can_be_published(designers):
    with transaction():
        draft = service.start(
            "spare_part", "配件申请", "parts", ["agent", "dispatcher"], actor=designers[0], now=NOW
        )
        draft_id = draft.id
    found = queries.problems(queries.files(draft_id))
    assert [(one.rule, one.level) for one in found] == [("missing-translation", "warning")]
    with transaction():
        made = service.publish(draft_id, "第一版", actor=designers[0], now=NOW)
    assert [(one.key, one.version) for one in made] == [("spare_part", 1)]
    with transaction():
        row = engine.start("spare_part", {}, actor=designers[0], now=NOW)
        assert row.status == "completed"


@pytest.mark.parametrize(
    ("values", "fields"),
    [
        (("Spare part", "配件", "parts", ["agent"]), ["key"]),
        (("spare_part", "", "parts", ["agent"]), ["name"]),
        (("spare_part", "配件", "../etc", ["agent"]), ["area"]),
        (("spare_part", "配件", "parts", []), ["lanes"]),
        (("spare_part", "配件", "parts", ["nobody"]), ["lanes"]),
        (("callback", "配件", "parts", ["agent"]), ["key"]),
    ],
)
def test_a_new_procedure_needs_a_free_id_a_name_a_folder_and_roles(designers, values, fields):
    with pytest.raises(Invalid) as refused, transaction():
        service.start(*values, actor=designers[0], now=NOW)
    assert [one.field for one in refused.value.errors] == fields


def test_errors_block_publishing_and_leave_the_draft_open(designers):
    draft_id = opened(designers[0])
    broken = SHIPPED[CALLBACK].replace(b"working_time(retry)", b"working_tme(retry)")
    saved(draft_id, CALLBACK, broken, 1, designers[0])
    found = queries.problems(queries.files(draft_id))
    assert {one.rule for one in found if one.level == "error"} == {"unknown-function"}
    with pytest.raises(engine.ProblemsFound), transaction():
        service.publish(draft_id, "zu früh", actor=designers[0], now=NOW)
    close_read_session()
    assert queries.get(draft_id).is_open


def test_publishing_deploys_the_changed_files_alone_and_closes_the_draft(designers):
    draft_id = opened(designers[0])
    changed = SHIPPED[CALLBACK].replace("拨满次数".encode(), "拨满约定次数".encode())
    saved(draft_id, CALLBACK, changed, 1, designers[0])
    with transaction():
        made = service.publish(draft_id, "说清楚次数", actor=designers[0], now=NOW)
    # Each caller of the changed process has a new version too.
    assert "callback" in {one.key for one in made} and {one.version for one in made} == {2}
    close_read_session()
    assert not queries.get(draft_id).is_open
    with pytest.raises(Refused):
        saved(draft_id, CALLBACK, b"<x/>", 2, designers[0])
    assert events_of(draft_id)[-1] == "draft.published"


def test_a_draft_does_not_replace_what_somebody_else_has_published_since(designers):
    first, second = opened(designers[0]), opened(designers[1])
    theirs = SHIPPED[CALLBACK].replace("拨满次数".encode(), "拨满约定次数".encode())
    mine = SHIPPED[CALLBACK].replace("拨满次数".encode(), "次数已满".encode())
    saved(first, CALLBACK, theirs, 1, designers[0])
    with transaction():
        service.publish(first, "先发", actor=designers[0], now=NOW)
    saved(second, CALLBACK, mine, 1, designers[1])
    assert queries.behind(second) == [CALLBACK]
    with pytest.raises(Conflict), transaction():
        service.publish(second, "后发", actor=designers[1], now=NOW)
    with transaction():
        made = service.publish(second, "后发", overwrite=True, actor=designers[1], now=NOW)
    assert {one.version for one in made} == {3}


def test_an_unchanged_draft_publishes_nothing(designers):
    draft_id = opened(designers[0])
    with pytest.raises(Refused), transaction():
        service.publish(draft_id, "nichts", actor=designers[0], now=NOW)


def test_files_are_added_reverted_and_taken_out(designers):
    actor = designers[0]
    draft_id = opened(actor)
    with transaction():
        for kind, name in (("form", "check_parts"), ("dmn", "parts_price"), ("bpmn", "parts_check")):
            service.add_file(draft_id, kind, name, "配件检查", actor=actor, now=NOW)
    paths = {row.path for row in queries.files(draft_id)}
    assert {
        "complaints/check_parts.json",
        "complaints/parts_price.dmn",
        "complaints/parts_check.bpmn",
    } < paths
    assert [one for one in queries.problems(queries.files(draft_id)) if one.level == "error"] == []
    with pytest.raises(Invalid), transaction():
        service.add_file(draft_id, "form", "judge", "判断", actor=actor, now=NOW)
    with transaction():
        service.remove_file(draft_id, "complaints/parts_price.dmn", actor=actor, now=NOW)
    with pytest.raises(Refused), transaction():
        service.remove_file(draft_id, CALLBACK, actor=actor, now=NOW)
    saved(draft_id, CALLBACK, b"<x/>", 1, actor)
    with transaction():
        service.revert_file(draft_id, CALLBACK, actor=actor, now=NOW)
    assert content_of(draft_id, CALLBACK) == SHIPPED[CALLBACK]
    with pytest.raises(NotFound):
        saved(draft_id, "complaints/none.bpmn", b"<x/>", 1, actor)
    assert revision_of(draft_id, CALLBACK) > 1


# ---------------------------------------------------------------- pages


def sign_in(client, username):
    assert client.post("/login", data={"username": username, "password": PASSWORD}).status_code == 303


@pytest.fixture
def signed_in(app, desk, client):
    close_read_session()
    desk.close()
    sign_in(client, "designer")
    return client


def begin(client, key="device_problem") -> str:
    answer = client.post("/designer/new", data={"procedure": key})
    assert answer.status_code == 303
    return answer.headers["Location"]


def test_only_designers_reach_the_editor(desk, client):
    desk.close()
    sign_in(client, "agent")
    for address in ("/designer", "/designer/new", "/designer/1", "/designer/1/publish"):
        assert client.get(address).status_code == 403
    assert client.post("/designer/new", data={"procedure": "callback"}).status_code == 403


def test_a_draft_is_opened_saved_refused_and_checked_over_its_page(signed_in):
    home = begin(signed_in)
    page = signed_in.get(home, follow_redirects=True)
    assert "device_problem.bpmn" in page.text and page.status_code == 200
    address = f"{home}/raw/complaints/device_problem.bpmn"
    text = signed_in.get(address).data
    assert text == SHIPPED["complaints/device_problem.bpmn"]
    same = signed_in.post(f"{address}?revision=1", data=text).json
    assert (same["written"], same["changed"], same["counts"]["errors"]) == (False, False, 0)
    broken = text.replace(b'step="judge"', b'stepp="judge"').replace(b"ladder(", b"lader(", 1)
    answer = signed_in.post(f"{address}?revision=1", data=broken).json
    assert answer["written"] and answer["counts"]["errors"] >= 1
    assert answer["findings"][0]["element"] == "judge_late"
    late = signed_in.post(f"{address}?revision=1", data=text + b" ")
    assert late.status_code == 409 and late.json["revision"] == answer["revision"] and late.json["by"]
    mine = signed_in.post(f"{home}/copies/complaints/device_problem.bpmn", data=text + b" ")
    assert mine.status_code == 201 and signed_in.get(mine.json["url"]).status_code == 200


def test_a_file_that_cannot_be_read_is_kept_and_explained(signed_in):
    home = begin(signed_in)
    for path, content in (
        ("complaints/device_problem.bpmn", b"<not xml"),
        ("complaints/judge.json", b'{"type": '),
        ("complaints/warranty.dmn", b"\xff\xfe\x00"),
    ):
        answer = signed_in.post(f"{home}/raw/{path}?revision=1", data=content)
        assert answer.status_code == 200
        assert path in answer.json["counts"]["files"]
        assert signed_in.get(f"{home}/files/{path}").status_code == 200


@pytest.mark.parametrize(
    ("kind", "text", "level"),
    [
        ("timeDuration", "PT8H", "ok"),
        ("timeDuration", '"P1D"', "ok"),
        ("timeDuration", "8H", "error"),
        ("timeDuration", "R3/P1D", "error"),
        ("timeDuration", 'working_time("PT8H")', "ok"),
        ("timeDuration", 'working_time("8 Stunden")', "error"),
        ("timeDate", "2001-01-01", "warning"),
        ("timeCycle", "R3/P1D", "ok"),
        ("timeCycle", 'ladder(decide("allowance", step="judge"))', "ok"),
        ("timeCycle", "R3", "warning"),
        ("condition", "can_solve", "ok"),
        ("condition", "can_slove", "warning"),
        ("condition", "can_solve = True", "error"),
        ("condition", "().__class__", "error"),
        ("condition", "wurzel(2)", "error"),
        ("script", "rounds = rounds + 1", "ok"),
        ("script", "import os", "error"),
        ("words", '"repairpoint:" + repair_point', "ok"),
        ("words", "[x for x in y]", "error"),
        ("condition", "", "ok"),
    ],
)
def test_a_value_is_checked_while_it_is_typed(signed_in, kind, text, level):
    home = begin(signed_in)
    answer = signed_in.post(f"{home}/check", json={"kind": kind, "text": text}).json
    assert answer["level"] == level, answer
    assert answer["message"] or level == "ok"


def test_a_form_is_drawn_in_the_language_asked_for_and_only_in_our_own_frame(signed_in):
    home = begin(signed_in)
    address = f"{home}/preview/complaints/judge.json"
    chinese, english = signed_in.get(f"{address}?lang=zh"), signed_in.get(f"{address}?lang=en")
    assert "客服能否解决" in chinese.text and 'lang="en"' in english.text
    assert "客服能否解决" not in english.text
    assert "frame-ancestors 'self'" in english.headers["Content-Security-Policy"]
    signed_in.post(f"{home}/raw/complaints/judge.json?revision=1", data=b'{"type": "array"}')
    assert signed_in.get(address).status_code == 200


def test_the_list_of_drafts_costs_the_same_however_many_there_are(signed_in, count_statements):
    begin(signed_in)
    signed_in.get("/designer")  # what a process reads once
    with count_statements() as few:
        signed_in.get("/designer")
    for key in ("callback", "other_problem", "device_problem"):
        begin(signed_in, key)
    with count_statements() as more:
        page = signed_in.get("/designer")
    assert len(more) == len(few) <= 8, more
    assert page.text.count("/discard") == 4


def test_publishing_asks_what_has_changed_and_shows_what_stands_in_the_way(signed_in):
    home = begin(signed_in)
    assert "disabled" in signed_in.get(f"{home}/publish").text
    path = f"{home}/raw/complaints/callback.bpmn"
    changed = SHIPPED[CALLBACK].replace("拨满次数".encode(), "拨满约定次数".encode())
    signed_in.post(f"{path}?revision=1", data=changed)
    assert signed_in.post(f"{home}/publish", data={"comment": " "}).status_code == 422
    done = signed_in.post(f"{home}/publish", data={"comment": "说清楚次数"})
    assert done.status_code == 303 and "/procedures/" in done.headers["Location"]
    assert "说清楚次数" in signed_in.get("/designer").text


def test_a_file_of_ones_own_editor_takes_the_place_of_one_in_the_draft(signed_in):
    home = begin(signed_in)
    path = "complaints/judge.json"
    sent = {"file": (io.BytesIO(b'{"type": "object", "properties": {}}'), "anything.json")}
    done = signed_in.post(f"{home}/replace/{path}", data=sent, content_type="multipart/form-data")
    assert done.status_code == 303
    assert signed_in.get(f"{home}/raw/{path}").data == b'{"type": "object", "properties": {}}'
    assert signed_in.post(f"{home}/replace/{path}", data={}).status_code == 422
    back = signed_in.post(f"{home}/revert/{path}")
    assert back.status_code == 303 and signed_in.get(f"{home}/raw/{path}").data == SHIPPED[path]
