"""The shell around every page: languages, error pages, what the browser is told, preferences."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app import clock, create_app
from app.errors import Conflict, FieldError, Forbidden, Invalid, NotFound, Refused, StepFailed, TooMany
from app.web import filters
from tests.support.database import test_settings as settings_for

ENGLISH = {"Accept-Language": "en-GB,en;q=0.9"}
SQLITE = pytest.mark.sqlite_only


def page_that_raises(app, error):
    """Give the application a page that fails."""

    def fail():
        raise error

    app.add_url_rule("/fails", "fails", fail, methods=["GET", "POST"])


# ---------------------------------------------------------------- errors


@SQLITE
@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotFound("案件不存在。"), 404),
        (Forbidden("您的岗位没有这项权限。"), 403),
        (Refused("先归还配件。"), 409),
        (Conflict("“判断能否解决”已提交。", by="何雨桐", at=datetime(2026, 3, 2, 6, 29, tzinfo=UTC)), 409),
        (Invalid("请改正。", [FieldError("title", "请写标题")]), 422),
        (TooMany("请稍后再试。"), 429),
        (ZeroDivisionError("secret detail"), 500),
    ],
)
@pytest.mark.parametrize("headers", [{}, ENGLISH])
def test_an_error_is_a_clear_page_in_ones_language_that_keeps_what_was_typed(
    app, client, error, status, headers
):
    page_that_raises(app, error)
    answer = client.post("/fails", data={"words": "打了很久的字", "password": "geheim"}, headers=headers)
    assert answer.status_code == status
    assert "打了很久的字" in answer.text and "geheim" not in answer.text
    assert "secret detail" not in answer.text and "Traceback" not in answer.text
    assert ('<html lang="en"' in answer.text) == bool(headers)
    if status == 409 and isinstance(error, Conflict):
        assert "何雨桐" in answer.text


@SQLITE
def test_an_unknown_address_is_a_page_for_people_and_problem_details_under_api(client):
    page = client.get("/no/such/page")
    assert (page.status_code, page.mimetype) == (404, "text/html")
    assert client.get("/api/v1/no/such/thing").mimetype != "text/html"


def test_a_failed_step_tells_an_operator_and_nobody_else_what_happened(app, client):
    page_that_raises(
        app, StepFailed("这一步没能办完。", instance_id=None, element="judge", detail="NameError: x")
    )
    answer = client.get("/fails")
    assert answer.status_code == 500
    assert "NameError" not in answer.text


@SQLITE
def test_a_part_of_a_page_gets_a_part_not_a_page(app, client):
    page_that_raises(app, NotFound(""))
    part = client.get("/fails", headers={"HX-Request": "true", "HX-Target": "section#work"})
    assert "<html" not in part.text and 'id="work"' in part.text


@SQLITE
@pytest.mark.parametrize("headers", [{}, ENGLISH])
def test_a_dead_database_gives_a_page_that_needs_none(tmp_path, headers):
    app = create_app(settings_for(f"sqlite:///{tmp_path}/gone/desk.db", tmp_path / "var"))
    client = app.test_client()
    with client.session_transaction() as kept:
        kept["_user_id"] = "1.1"  # somebody who was signed in before it died
    answer = client.get("/inbox", headers=headers)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert ("数据库没有响应" in answer.text) != bool(headers)
    assert "SELECT" not in answer.text and "sqlite" not in answer.text


@SQLITE
def test_a_form_without_a_valid_token_can_be_sent_again_as_it_was(app):
    page_that_raises(app, NotFound(""))
    answer = app.test_client().post("/fails", data={"title": "写好的标题", "empty": "", "password": "secret"})
    assert answer.status_code == 400
    assert re.search(r'name="title" value="写好的标题"', answer.text)
    assert 'name="empty"' in answer.text and "secret" not in answer.text


# ---------------------------------------------------------------- what the browser is told


@SQLITE
def test_no_script_from_elsewhere_runs_and_nobody_frames_the_page(client):
    headers = client.get("/login").headers
    assert "script-src 'self';" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "unsafe-eval" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"


@SQLITE
def test_one_style_sheet_holds_everything_and_may_be_kept(app, client):
    page = client.get("/login").text
    address = re.search(r'href="(/static/bundle/[^"]+)"', page)[1]
    sheet = client.get(address)
    assert "immutable" in sheet.headers["Cache-Control"]
    for part in (".shell", ".chip--overdue", ".inbox", "@media (prefers-color-scheme: dark)"):
        assert part in sheet.text


@SQLITE
def test_every_icon_that_templates_name_is_in_the_sprite(app):
    root = Path(app.root_path)
    drawn = set(re.findall(r'id="i-(\w+)"', (root / "static" / "icons.svg").read_text("utf-8")))
    used = set()
    for template in root.rglob("templates/**/*.html"):
        used |= set(re.findall(r'\bic(?:on)?\("(\w+)"', template.read_text("utf-8")))
    assert used - drawn == set()


# ---------------------------------------------------------------- languages and preferences


@SQLITE
def test_the_language_is_the_cookies_before_the_browsers(client):
    assert '<html lang="en"' in client.get("/login", headers=ENGLISH).text
    client.post("/preferences", data={"locale": "zh", "next": "/login"})
    assert '<html lang="zh-CN"' in client.get("/login", headers=ENGLISH).text


@SQLITE
def test_a_theme_is_kept_and_the_system_decides_without_one(client):
    assert "data-theme=" not in client.get("/login").text
    client.post("/preferences", data={"theme": "dark"})
    assert 'data-theme="dark"' in client.get("/login").text
    client.post("/preferences", data={"theme": "system"})
    assert "data-theme=" not in client.get("/login").text


@SQLITE
@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example"])
def test_preferences_lead_nowhere_else(client, target):
    assert client.post("/preferences", data={"theme": "dark", "next": target}).location == "/"


# ---------------------------------------------------------------- filters


NOW = datetime(2026, 10, 9, 6, 32, tzinfo=UTC)  # Friday 14:32 in Shanghai


@pytest.fixture
def written(app):
    """Write a value by a filter, in Chinese and in English."""

    def both(name, value, **options):
        texts = []
        for headers in ({"Accept-Language": "zh-CN"}, ENGLISH):
            with app.test_request_context(headers=headers), clock.at(NOW):
                texts.append(str(getattr(filters, name)(value, **options)))
        return tuple(texts)

    return both


@SQLITE
@pytest.mark.parametrize(
    ("name", "value", "zh", "en"),
    [
        ("local_time", datetime(2026, 10, 8, 7, 5, tzinfo=UTC), "周四 10-08 15:05", "Thu 8 Oct 15:05"),
        ("local_time", datetime(2026, 9, 8, 7, 5, tzinfo=UTC), "09-08 15:05", "8 Sep 15:05"),
        ("local_time", datetime(2025, 5, 12, 7, 5, tzinfo=UTC), "2025-05-12 15:05", "12 May 2025 15:05"),
        ("local_date", datetime(2026, 10, 8, 17, 0, tzinfo=UTC), "周五 10-09", "Fri 9 Oct"),
        ("clock_time", datetime(2026, 10, 9, 7, 55, tzinfo=UTC), "15:55", "15:55"),
        ("duration", timedelta(hours=1, minutes=23), "1 小时 23 分", "1 h 23 min"),
        ("duration", timedelta(minutes=42), "42 分", "42 min"),
        ("duration", timedelta(seconds=20), "1 分以内", "under 1 min"),
        ("duration", timedelta(days=5, hours=3), "5 天 3 小时", "5 d 3 h"),
        ("working_hours", timedelta(hours=20), "20 工时", "20 working hours"),
        ("ago", NOW - timedelta(minutes=5), "5 分钟前", "5 min ago"),
        ("money", 38000, "¥380.00", "¥380.00"),
        ("money", -1234567, "-¥12,345.67", "-¥12,345.67"),
        ("num", 12480, "12,480", "12,480"),
        ("mask_phone", "138 1234 5678", "138****5678", "138****5678"),
        ("mask_phone", "+8613812345678", "138****5678", "138****5678"),
        ("mask_phone", "", "", ""),
        ("initial", "林晓雯", "林", "林"),
        ("initial", "Lin Xiaowen", "LX", "LX"),
    ],
)
def test_values_are_written_as_the_guide_says(written, name, value, zh, en):
    assert written(name, value) == (zh, en)


@SQLITE
@pytest.mark.parametrize(
    ("minutes", "urgency", "zh"),
    [
        (-242, "escalated", "超 4 小时 02 分 · 已升级"),
        (-42, "overdue", "超 42 分"),
        (83, "soon", "15:55 · 剩 1 小时 23 分"),
        (168, "ontime", "17:20"),
    ],
)
def test_the_deadline_is_as_loud_as_it_is_urgent(app, minutes, urgency, zh):
    with app.test_request_context(), clock.at(NOW):
        assert filters.deadline_words(NOW + timedelta(minutes=minutes), urgency) == zh
