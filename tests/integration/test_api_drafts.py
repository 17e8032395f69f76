"""Drafts of procedures over REST, as another editor uses them."""

from __future__ import annotations

from app.settings import ROOT
from tests.support.api import check_problem

PATH = "complaints/callback.bpmn"
CALLBACK = (ROOT / "bpmn" / PATH).read_bytes()
CHANGED = CALLBACK.replace("拨满次数".encode(), "拨满约定次数".encode())


def put(outside, draft, content, revision, by="designer"):
    return outside[by].send(
        "PUT",
        f"/drafts/{draft}/files/{PATH}?revision={revision}",
        data=content,
        content_type="application/octet-stream",
    )


def opened(outside) -> int:
    answer = outside["designer"].post("/drafts", {"procedure": "callback"})
    assert answer.status_code == 201, answer.text
    return answer.json["id"]


def test_a_draft_is_opened_changed_checked_and_published(outside):
    draft = opened(outside)
    kept = outside["designer"].get(f"/drafts/{draft}/files/{PATH}")
    assert (kept.data, kept.headers["X-Revision"]) == (CALLBACK, "1")
    same = put(outside, draft, CALLBACK, 1)
    assert (same.json["written"], same.json["changed"]) == (False, False)
    saved = put(outside, draft, CHANGED, 1)
    assert (saved.status_code, saved.json["written"], saved.json["revision"]) == (200, True, 2)
    late = check_problem(put(outside, draft, CALLBACK, 1), 409)
    assert late["by"] and late["at"]
    assert outside["designer"].get(f"/drafts/{draft}/problems").json == []
    (shown,) = outside["designer"].get("/drafts").json
    assert {one["path"] for one in shown["files"] if one["changed"]} == {PATH}
    made = outside["designer"].post(f"/drafts/{draft}/publish", {"comment": "说清楚次数"})
    assert {"key": "callback", "version": 2} in made.json["procedures"]
    assert outside["designer"].get(f"/drafts/{draft}").json["status"] == "published"
    check_problem(put(outside, draft, CALLBACK, 2), 409)


def test_errors_are_listed_and_nothing_is_published(outside):
    draft = opened(outside)
    put(outside, draft, CALLBACK.replace(b"working_time(retry)", b"working_tme(retry)"), 1)
    (found,) = outside["designer"].get(f"/drafts/{draft}/problems").json
    assert (found["rule"], found["level"], found["file"]) == ("unknown-function", "error", PATH)
    body = check_problem(outside["designer"].post(f"/drafts/{draft}/publish", {"comment": "x"}), 422)
    assert body["problems"][0]["element"] == found["element"]
    assert outside["designer"].get(f"/drafts/{draft}").json["status"] == "open"


def test_a_new_procedure_is_drafted_and_a_draft_is_discarded(outside):
    values = {"key": "spare_part", "name": "配件申请", "area": "parts", "lanes": ["agent"]}
    made = outside["designer"].post("/drafts", values)
    assert made.status_code == 201 and made.json["files"][0]["path"] == "parts/spare_part.bpmn"
    assert outside["designer"].send("DELETE", f"/drafts/{made.json['id']}").status_code == 204
    assert outside["designer"].get("/drafts").json == []
    check_problem(outside["designer"].post("/drafts", {**values, "key": "Spare part"}), 422)
    check_problem(outside["designer"].post("/drafts", {"procedure": "none"}), 404)


def test_only_designers_have_drafts(outside):
    draft = opened(outside)
    for method, path in (
        ("GET", "/drafts"),
        ("GET", f"/drafts/{draft}"),
        ("GET", f"/drafts/{draft}/problems"),
        ("DELETE", f"/drafts/{draft}"),
    ):
        check_problem(outside["supervisor"].send(method, path), 403)
    check_problem(put(outside, draft, CHANGED, 1, by="agent"), 403)
