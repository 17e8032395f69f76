"""The record of timers: its list, the figures of each day, the files, and the same over REST."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from openpyxl import load_workbook

from app.db import close_read_session, session, transaction
from app.engine.tables import Timer
from app.reports import export, timing
from app.reports.filters import TimerFilters
from app.reports.rules import percentile
from tests.factories import MONDAY, PASSWORD, Desk
from tests.support.api import Outside

SHANGHAI = ZoneInfo("Asia/Shanghai")
# The Tuesday before the desk's Monday, in the centre's zone.
DAY = date(2026, 2, 24)
NOON = datetime(2026, 2, 24, 4, 0, tzinfo=UTC)
PAGE_AT_MOST = 8


def add(instance_id: int, *lateness: float, at: datetime = NOON, **more: object) -> None:
    """Let timers have fired so many seconds late, one a second after `at`."""
    with transaction():
        session().add_all(
            Timer(
                **{
                    "instance_id": instance_id,
                    "task_id": f"t-{at.timestamp()}-{number}",
                    "process_id": "customer_issue",
                    "element": "late_analyse",
                    "attached_to": "analyse",
                    "name": "超时",
                    "kind": "boundary",
                    "status": "fired",
                    "worker": "desk-1:42",
                    "attempts": 1,
                    "due_at": at + timedelta(seconds=number - late),
                    "fired_at": at + timedelta(seconds=number),
                    "lateness_seconds": late,
                    **more,
                }
            )
            for number, late in enumerate(lateness)
        )


@pytest.fixture
def desk(app: Flask) -> Iterator[Desk]:
    """A centre in which time stands; no request runs inside its context."""
    with app.app_context():
        made = Desk(app)
        close_read_session()
    yield made
    with app.app_context():
        made.close()


@pytest.fixture
def instance_id(desk: Desk) -> int:
    """An instance that timers may belong to."""
    with desk.app.app_context():
        found = desk.receive(title="=终端频繁离线").instance.id
        close_read_session()
    return found


@pytest.fixture
def as_(app: Flask) -> Callable[[str], FlaskClient]:
    """Sign somebody in."""
    app.config["WTF_CSRF_ENABLED"] = False

    def sign_in(username: str) -> FlaskClient:
        client = app.test_client()
        assert client.post("/login", data={"username": username, "password": PASSWORD}).status_code == 303
        return client

    return sign_in


@pytest.fixture
def record(desk: Desk, instance_id: int) -> int:
    """120 firings of one day, some of the day before, one of another element, one cancelled."""
    with desk.app.app_context():
        add(instance_id, *(number / 100 for number in range(120)))
        add(instance_id, 1.0, 3.0, at=NOON - timedelta(days=1))
        add(
            instance_id,
            90.0,
            at=NOON + timedelta(hours=1),
            process_id="callback",
            element="on_the_day",
            attached_to=None,
        )
        add(instance_id, 0.0, at=NOON, status="cancelled", fired_at=None, lateness_seconds=None)
        close_read_session()
    return instance_id


# ---------------------------------------------------------------- figures


@pytest.mark.parametrize("count", [1, 2, 3, 19, 100, 101])
def test_percentiles_are_the_same_on_every_database(app_context, desk_in_context, count: int):
    late = [round((number * 37 % 101) / 7, 6) for number in range(count)]
    add(desk_in_context, *late)
    [found] = timing.figures([DAY], SHANGHAI)
    expected = [percentile(sorted(late), share) for share in (0.5, 0.95, 0.99)]
    assert [found.p50, found.p95, found.p99] == pytest.approx(expected)
    assert (found.count, found.latest, found.early) == (count, pytest.approx(max(late)), 0)


@pytest.fixture
def desk_in_context(app_context: Flask) -> Iterator[int]:
    """An instance within the open context of a test that calls queries itself."""
    made = Desk(app_context)
    yield made.receive().instance.id
    made.close()


def test_a_day_begins_at_the_centres_midnight_and_a_day_without_firings_has_no_figures(
    app_context, desk_in_context
):
    midnight = datetime(2026, 2, 23, 16, 0, tzinfo=UTC)
    add(desk_in_context, 1.0, at=midnight)
    add(desk_in_context, 2.0, 2.0, at=midnight - timedelta(seconds=2))
    days = timing.figures([DAY - timedelta(days=1), DAY, DAY + timedelta(days=1)], SHANGHAI)
    assert [one.count for one in days] == [2, 1, 0]
    assert days[2].p50 is None and days[2].latest is None


def test_a_timer_that_fired_early_is_counted(app_context, desk_in_context):
    add(desk_in_context, -0.5, 0.0, 1.0)
    [found] = timing.figures([DAY], SHANGHAI)
    assert found.early == 1


def test_no_timer_of_the_engine_fires_early(app_context):
    desk = Desk(app_context)
    desk.receive().analyse("platform")
    desk.receive()
    desk.pass_time(timedelta(days=3))
    today = MONDAY.astimezone(SHANGHAI).date()
    days = timing.figures([today + timedelta(days=ahead) for ahead in range(4)], SHANGHAI)
    assert sum(one.count for one in days) > 3
    assert all(one.early == 0 for one in days)
    desk.close()


# ---------------------------------------------------------------- the page


def test_the_page_lists_a_day_with_its_figures(record: int, as_):
    page = as_("supervisor").get(f"/timers?day={DAY}").text
    assert "没有提前触发" in page
    assert page.count("desk-1:42") >= 50 and "K26-" in page
    assert "1.5 分" in page or "90.0 秒" in page


def test_the_pages_of_a_day_follow_each_other_without_gap_or_repeat(record: int, app: Flask):
    with app.app_context():
        seen, after = [], ""
        for _page in range(10):
            page = timing.page(TimerFilters(DAY, after=after), SHANGHAI, size=50)
            seen += [one.id for one in page.rows]
            after = page.after
            if not after:
                break
        close_read_session()
    assert len(seen) == len(set(seen)) == 121


@pytest.mark.parametrize(
    "query, count",
    [
        ("", 121), ("procedure=callback", 1), ("element=analyse", 120), ("element=late_analyse", 120),
        ("element=on_the_day", 1), ("late=1", 20), ("status=cancelled", 1), ("status=waiting", 0), ("late=x", 121),
        ("after=nonsense", 121), ("status=nonsense", 121),
    ],
)  # fmt: skip
def test_the_list_is_narrowed_by_procedure_element_status_and_lateness(
    record: int, as_, query: str, count: int
):
    text = as_("operator").get(f"/timers/export.csv?day={DAY}&{query}").get_data(as_text=True)
    assert len(list(csv.reader(io.StringIO(text)))) == count + 1


def test_who_may_not_see_cases_reads_no_numbers_and_others_are_sent_away(record: int, as_):
    assert as_("agent").get("/timers").status_code == 403
    page = as_("quality").get(f"/timers?day={DAY}").text
    assert "K26-" not in page and "实例" in page
    text = as_("quality").get(f"/timers/export.csv?day={DAY}").get_data(as_text=True)
    assert "K26-" not in text


@pytest.mark.parametrize(
    "query", ["day=0001-01-01", "day=9999-12-31", "day=x", "after=eyJ4IjoxfQ", "late=99999999999999"]
)
def test_addresses_that_mean_nothing_show_today(record: int, as_, query: str):
    assert as_("operator").get(f"/timers?{query}").status_code == 200


def test_the_page_costs_the_same_with_thousands_of_timers(
    desk: Desk, instance_id: int, as_, count_statements
):
    client = as_("operator")
    costs = []
    for more in (0, 200, 3000):
        with desk.app.app_context():
            add(instance_id, *(0.1 for _one in range(more)), at=NOON + timedelta(seconds=more))
            close_read_session()
        tries = []
        for _again in range(3):
            with count_statements() as counted:
                assert client.get(f"/timers?day={DAY}").status_code == 200
            tries.append(len(counted))
        # Settings are read again every few seconds, whoever asks.
        costs.append(min(tries))
    assert costs[0] == costs[1] == costs[2] <= PAGE_AT_MOST, counted


# ---------------------------------------------------------------- files


def test_the_csv_holds_every_timer_and_runs_nothing_as_a_formula(desk: Desk, instance_id: int, as_):
    with desk.app.app_context():
        add(instance_id, 0.25, worker="=HYPERLINK(1)", name="@SUM(A1)")
        close_read_session()
    answer = as_("operator").get(f"/timers/export.csv?day={DAY}")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="timers-20260224.csv"'
    text = answer.get_data(as_text=True)
    assert text.startswith("\ufeff")
    titles, line = csv.reader(io.StringIO(text.lstrip("\ufeff")))
    assert len(titles) == len(line) == 12
    assert line[3] == "'@SUM(A1)" and line[10] == "'=HYPERLINK(1)"
    assert line[7] == "2026-02-24 12:00:00.000" and line[8] == "0.25"


def test_the_xlsx_holds_the_same(record: int, as_):
    answer = as_("operator").get(f"/timers/export.xlsx?day={DAY}&late=1")
    assert answer.mimetype == export.XLSX
    sheet = load_workbook(io.BytesIO(answer.data), read_only=True).active
    rows = list(sheet.iter_rows(values_only=True))
    assert len(rows) == 21 and rows[1][8] == 90


def test_a_file_ends_at_its_bound_and_says_so(record: int, app: Flask, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(export, "PIECE", 7)
    with app.test_request_context("/"):
        lines = list(export.rows(TimerFilters(DAY), SHANGHAI, 20, cases=True))
        whole = list(export.rows(TimerFilters(DAY), SHANGHAI, 1000, cases=True))
    assert len(lines) == 21 and "20" in lines[-1][0]
    assert len(whole) == 121
    assert as_unknown(app).status_code in (302, 404)


def as_unknown(app: Flask):
    return app.test_client().get("/timers/export.pdf")


# ---------------------------------------------------------------- REST


def test_a_script_reads_the_timers_of_a_day_page_by_page(record: int, outside: Outside):
    caller = outside["operator"]
    seen, cursor = [], ""
    while True:
        answer = caller.get(f"/timers?day={DAY}&limit=50{cursor}").json
        seen += answer["items"]
        if answer["next"] is None:
            break
        cursor = f"&cursor={answer['next']}"
    assert len({one["id"] for one in seen}) == 121
    last = seen[0]
    assert last["process"] == "callback" and last["lateness_seconds"] == 90.0
    assert last["case"].startswith("K26-") and last["worker"] == "desk-1:42" and last["status"] == "fired"
    assert len(caller.get(f"/timers?day={DAY}&late=1").json["items"]) == 20


def test_a_script_reads_the_figures_of_the_last_days(record: int, outside: Outside):
    found = outside["operator"].get(f"/timers/summary?day={DAY}&days=2").json
    assert [(one["day"], one["fired"], one["early"]) for one in found] == [
        ("2026-02-23", 2, 0),
        ("2026-02-24", 121, 0),
    ]
    assert found[0]["p50"] == 2.0 and found[0]["max"] == 3.0


@pytest.mark.parametrize(
    "query", ["cursor=nonsense", "day=soon", "day=9999-12-31", "limit=1000", "status=x", "late=-1"]
)
def test_a_script_is_told_what_does_not_fit(outside: Outside, query: str):
    assert outside["operator"].get(f"/timers?{query}").status_code == 422
    assert outside["operator"].get("/timers/summary?days=400").status_code == 422
    assert outside["agent"].get("/timers").status_code == 403
    assert outside.nobody.send("GET", "/timers").status_code == 401


def test_the_index_finds_what_fired(app_context, desk_in_context):
    add(desk_in_context, *(1.0 for _one in range(50)))
    dialect = session().get_bind().dialect.name
    query = timing.listed(TimerFilters(DAY), SHANGHAI).limit(51)
    text = str(query.compile(dialect=session().get_bind().dialect, compile_kwargs={"literal_binds": True}))
    if dialect == "postgresql":
        # A table this small would be read whole otherwise.
        session().execute(sa.text("SET LOCAL enable_seqscan = off"))
        session().execute(sa.text("SET LOCAL enable_sort = off"))
    explain = "EXPLAIN " if dialect == "postgresql" else "EXPLAIN QUERY PLAN "
    plan = "\n".join(str(tuple(row)) for row in session().execute(sa.text(explain + text)))
    assert "ix_timer_fired" in plan, plan
