"""The supervisor's board, the forecast and moving work, on both databases."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app import clock
from app.accounts import service as accounts
from app.accounts.actor import SYSTEM, Actor
from app.cases import waiting as customer_waits
from app.db import close_read_session, session, transaction
from app.engine.tables import Event, Timer, WorkItem
from app.inbox import service as inbox
from app.inbox.tables import Draft
from app.jobs.heartbeat import Heart
from app.jobs.tables import Worker
from app.notifications.tables import Notification
from app.reports import service
from app.reports.backtest import backtest
from app.reports.kept import kept
from app.reports.outlook import outlook
from app.reports.tables import WorkMove
from tests.factories import MONDAY, PASSWORD, Desk
from tests.support.board import people, waiting, with_past

BOARD_AT_MOST = 16
FORECAST_AT_MOST = 8


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
def laden(desk: Desk) -> dict[str, int]:
    """A past, and eight tasks of one agent, of which the last will be late; ids by user name, `first` item."""
    with desk.app.app_context():
        item = with_past(desk)
        ids = people()
        tasks = waiting(item, 8, holder=ids["agent"], due_at=clock.now() + timedelta(hours=3))
        close_read_session()
    return ids | {"first": tasks[0], "last": tasks[-1]}


@pytest.fixture
def as_(app: Flask) -> Callable[[str], FlaskClient]:
    """Sign somebody in."""
    app.config["WTF_CSRF_ENABLED"] = False

    def sign_in(username: str) -> FlaskClient:
        client = app.test_client()
        assert client.post("/login", data={"username": username, "password": PASSWORD}).status_code == 303
        return client

    return sign_in


def item(app: Flask, item_id: int) -> WorkItem:
    with app.app_context():
        found = session().get(WorkItem, item_id)
        close_read_session()
        assert found is not None
        return found


def key_of(page: str) -> str:
    found = re.search(r'name="key" value="([^"]+)"', page)
    assert found is not None
    return found[1]


# ---------------------------------------------------------------- the board


def test_the_board_counts_what_the_inbox_counts(desk: Desk, laden: dict[str, int], as_):
    with desk.app.app_context():
        sample = session().get(WorkItem, laden["first"])
        hour = timedelta(hours=1)
        waiting(sample, 3, holder=None, start=100, due_at=clock.now() - hour)
        waiting(sample, 2, holder=laden["agent2"], start=200, due_at=clock.now() - hour, escalation_level=2)
        close_read_session()
    client = as_("supervisor")
    page = client.get("/board").text
    counts = client.get("/inbox/counts?scope=all").json["counts"]
    figures = [int(n) for n in re.findall(r'<b class="num[^"]*">(\d+)</b>', page)]
    assert figures[0] == counts["view:all"] == 14
    assert figures[1] == counts["view:today"]
    assert figures[2] == counts["view:overdue"] == 3
    assert figures[4] == counts["view:escalated"] == 2
    assert "客户主管 2" in page


def test_the_forecast_says_who_makes_what_late_and_why(desk: Desk, laden: dict[str, int], as_):
    page = as_("supervisor").get("/board/forecast").text
    assert page.count("<tr><td") >= 1
    assert "林晓雯" in page and "几乎肯定超期" in page
    assert re.search("排在林晓雯的第 8 位", page)
    with desk.app.app_context():
        seen = outlook(desk.actor("supervisor"), clock.now())
        assert seen.late_by["tonight"] == seen.late_by["week"] == page.count('class="chip chip--bad"') > 0
        close_read_session()
    rest = as_("supervisor").get(f"/board/forecast?verdict=ontime&person={laden['agent']}").text
    assert "样本 0" in rest and "样本 7" not in rest


def test_without_a_past_the_board_says_so_and_guesses_nothing(desk: Desk, as_):
    with desk.app.app_context():
        desk.receive()
        close_read_session()
    page = as_("supervisor").get("/board").text
    assert "近 14 天办完的任务太少" in page and "历史数据太少" in page
    assert "可能超期" not in as_("supervisor").get("/board").text.split("近 14 天办完的任务太少")[1]


def test_an_empty_centre_has_an_empty_board(desk: Desk, as_):
    page = as_("supervisor").get("/board")
    assert page.status_code == 200
    assert "没有待办任务" in page.text


def test_who_may_not_see_everybodys_work_sees_their_own_on_the_board(desk: Desk, laden: dict[str, int], as_):
    page = as_("quality").get("/board").text
    assert "林晓雯" not in page and "样本" not in page
    assert "样本" not in as_("quality").get("/board/forecast?verdict=all").text
    assert as_("agent").get("/board").status_code == 403
    assert as_("quality").get(f"/board/move?from={laden['agent']}").status_code == 403


def test_somebody_who_left_still_shows_with_what_they_hold(desk: Desk, laden: dict[str, int], as_):
    with desk.app.app_context(), transaction():
        accounts.disable(laden["agent"], actor=SYSTEM, now=clock.now())
    page = as_("supervisor").get("/board").text
    assert "已不在岗" in page
    picked = as_("supervisor").get(f"/board/move?from={laden['agent']}").text
    assert "林晓雯" in picked and "样本 0" in picked


def test_an_escalated_task_shows_when_the_next_rung_comes(desk: Desk, as_):
    with desk.app.app_context():
        case = desk.receive(title="续费已扣款，仍显示到期停机")
        desk.pass_time(timedelta(hours=3, minutes=5))
        assert case.item("register").escalation_level == 2
        due = session().scalar(
            sa.select(Timer.due_at).where(Timer.status == "waiting", Timer.attached_to == "register")
        )
        assert due is not None and due > clock.now()
        close_read_session()
    page = as_("supervisor").get("/board").text
    assert re.search(r"分后到售后经理|小时[^<]*后到售后经理", page)
    assert "今天有 1 个进程触发" in page and "0.0 秒" in page


@pytest.mark.parametrize("address, most", [("/board", BOARD_AT_MOST), ("/board/forecast", FORECAST_AT_MOST)])
def test_the_board_costs_the_same_with_two_thousand_tasks(
    desk: Desk, as_, count_statements, address: str, most: int
):
    with desk.app.app_context():
        sample = with_past(desk)
        ids = people()
        close_read_session()
    client = as_("supervisor")
    costs = []
    for start, more in ((0, 0), (1000, 200), (5000, 2000)):
        with desk.app.app_context():
            for holder in (ids["agent"], ids["agent2"], None):
                if more:
                    waiting(sample, more // 3, holder=holder, start=start, escalation_level=2)
                    start += more
            close_read_session()
        tries = []
        for _again in range(3):
            with count_statements() as counted:
                assert client.get(address).status_code == 200
            tries.append(len(counted))
        # Settings are read again every few seconds, whoever asks.
        costs.append(min(tries))
        assert max(tries) <= most, counted
    # The next rungs are asked for once there are escalations.
    assert costs[1] == costs[2] <= costs[0] + 1


def test_the_card_of_timers_says_which_processes_are_heard_of(desk: Desk, as_):
    client = as_("supervisor")
    assert "没有调度进程在工作" in client.get("/board").text
    with desk.app.app_context():
        Heart("desk-1:42:abc", "scheduler").beat()
        Heart("desk-2:43:def", "worker").beat()
        close_read_session()
    page = client.get("/board").text
    assert "没有调度进程在工作" not in page
    assert re.search(r"调度进程.*秒前有心跳", page) and re.search(r"后台进程.*秒前有心跳", page)
    with desk.app.app_context(), transaction():
        for one in session().scalars(sa.select(Worker)):
            one.seen_at -= timedelta(minutes=5)
    page = client.get("/board").text
    assert page.count("没有心跳") == 2 and "没有调度进程在工作" in page


def test_a_task_that_waits_for_the_customer_takes_no_place_in_a_queue_and_is_not_late(desk: Desk, as_):
    with desk.app.app_context():
        with_past(desk)
        case = desk.receive(title="等客户补充资料")
        actor = desk.actor("agent")
        close_read_session()
        with transaction():
            customer_waits.wait_for_customer(case.id, "照片", actor=actor, now=clock.now())
        seen = outlook(desk.actor("supervisor"), clock.now() + timedelta(days=9))
        item_id = case.item("register").id
        assert seen.verdict(item_id) == "paused" and item_id not in seen.expected
        close_read_session()
    assert "等客户补充资料" in as_("supervisor").get("/board/forecast?verdict=paused").text
    assert "1 项暂停" in as_("supervisor").get("/board").text


def test_the_board_says_how_many_deadlines_of_cases_were_kept(desk: Desk, as_):
    with desk.app.app_context():
        quick, slow = desk.receive(), desk.receive()
        quick.analyse("platform")
        desk.pass_time(timedelta(days=9))
        slow.analyse("platform")
        supervisor = desk.actor("supervisor")
        found = {one.kind: one for one in kept(supervisor, clock.now())}
        assert (found["first_response"].met, found["first_response"].ended) == (1, 2)
        assert found["first_response"].percent == 50
        assert found["resolution"].percent is None
        later = {one.kind: one for one in kept(supervisor, clock.now() + timedelta(days=60))}
        assert later["resolution"].overdue == 2
        assert later["first_response"].ended == 0, "what ended before the window does not count"
        close_read_session()
    page = as_("supervisor").get("/board").text
    assert "2 次中按时 1 次" in page and "还没有到结果的" in page


def test_htmx_gets_the_inside_alone(desk: Desk, laden: dict[str, int], as_):
    client = as_("supervisor")
    part = client.get("/board", headers={"HX-Request": "true"})
    assert part.text.lstrip().startswith('<div id="board"')
    assert part.headers["Cache-Control"] == "no-store"


# ---------------------------------------------------------------- moving work


def test_the_preview_shows_both_sides_and_changes_nothing(desk: Desk, laden: dict[str, int], as_):
    client = as_("supervisor")
    page = client.get(
        f"/board/move/preview?from={laden['agent']}&item={laden['first']}&item={laden['last']}"
    ).text
    assert "尚未改动" in page and "预计少" in page
    assert f"{laden['first']}:{laden['agent2']}" in page
    counts = re.search(r"林晓雯</td>\s*<td[^>]*>(\d+) → (\d+)", page)
    assert counts is not None and int(counts[2]) < int(counts[1])
    assert item(desk.app, laden["first"]).assignee_id == laden["agent"]


def test_the_suggestion_leads_to_a_preview_that_keeps_its_word(desk: Desk, laden: dict[str, int], as_):
    client = as_("supervisor")
    page = client.get("/board").text
    saved = re.search(r"把林晓雯的 (\d+) 项转给何雨桐，预计少 (\d+) 项超期", page)
    assert saved is not None
    address = re.search(r'href="(/board/move/preview[^"]+)"', page)
    assert address is not None
    preview = client.get(address[1].replace("&amp;", "&")).text
    assert f"预计少 {saved[2]} 项超期" in preview
    assert preview.count('class="shift"') == int(saved[1])


def test_a_move_hands_over_tells_the_others_and_can_be_taken_back(desk: Desk, laden: dict[str, int], as_):
    client = as_("supervisor")
    first, last = laden["first"], laden["last"]
    preview = client.get(f"/board/move/preview?from={laden['agent']}&item={first}&item={last}&to=auto").text
    form = {
        "from": laden["agent"],
        "move": [f"{first}:{laden['agent2']}", f"{last}:{laden['agent2']}"],
        "reason": "今天忙不过来",
        "key": key_of(preview),
    }
    answer = client.post("/board/move", data=form)
    assert answer.status_code == 303
    page = client.get(answer.location).text
    assert "已转出 2 项" in page and "何雨桐" in page and "撤销" in page
    assert [item(desk.app, one).assignee_id for one in (first, last)] == [laden["agent2"]] * 2
    with desk.app.app_context():
        told = (
            session().scalars(sa.select(Notification).where(Notification.person_id == laden["agent2"])).all()
        )
        assert len(told) == 2
        kinds = session().scalars(sa.select(Event.kind).where(Event.stream == f"person:{laden['agent']}"))
        assert "work.moved" in list(kinds)
        close_read_session()
    back = client.post(f"{answer.location}/undo")
    assert back.status_code == 303
    page = client.get(back.location).text
    assert "全部任务已回到林晓雯名下" in page and "撤销</button>" not in page
    assert [item(desk.app, one).assignee_id for one in (first, last)] == [laden["agent"]] * 2
    assert client.post(f"{answer.location}/undo").status_code == 409


def test_the_same_form_sent_twice_moves_once(desk: Desk, laden: dict[str, int], as_):
    client = as_("supervisor")
    form = {"from": laden["agent"], "move": f"{laden['first']}:{laden['agent2']}", "key": "one-key"}
    answers = [client.post("/board/move", data=form).location for _twice in range(2)]
    assert answers[0] == answers[1]
    with desk.app.app_context():
        assert session().scalar(sa.select(sa.func.count()).select_from(WorkMove)) == 1


def test_of_two_supervisors_the_second_reads_who_has_it_now(desk: Desk, laden: dict[str, int], as_):
    first, last = laden["first"], laden["last"]
    one, other = as_("supervisor"), as_("manager")
    moves = [f"{first}:{laden['agent2']}", f"{last}:{laden['agent2']}"]
    one.post("/board/move", data={"from": laden["agent"], "move": moves[:1], "key": "a"})
    answer = other.post("/board/move", data={"from": laden["agent"], "move": moves, "key": "b"})
    page = other.get(answer.location).text
    assert "何雨桐现在有这个任务" in page or "何雨桐" in page
    assert "已转出 1 项" in page and "未能转出" in page
    assert item(desk.app, last).assignee_id == laden["agent2"]


def test_two_supervisors_at_the_same_moment_move_each_task_once(app: Flask, desk: Desk):
    with app.app_context():
        ids = people()
        sample = desk.receive().item("register")
        tasks = waiting(sample, 30, holder=ids["agent"])
        actors = [desk.actor("supervisor"), desk.actor("manager")]
        close_read_session()
    start = threading.Barrier(2)
    made: list[WorkMove] = []

    def work(actor: Actor, key: str) -> None:
        with app.app_context(), clock.at(MONDAY):
            for number, task in enumerate(tasks):
                start.wait()
                with transaction():
                    moves = {task: ids["agent2"]}
                    made.append(
                        service.move(
                            ids["agent"], moves, key=f"{key}-{number}", reason="", actor=actor, now=MONDAY
                        )
                    )
            close_read_session()

    threads = [
        threading.Thread(target=work, args=(actor, key)) for actor, key in zip(actors, "ab", strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 60
    assert sum(len(one.moved) for one in made) == sum(len(one.refused) for one in made) == 30
    assert all("何雨桐" in refused["why"] for one in made for refused in one.refused)


def test_a_form_sent_twice_at_the_same_moment_moves_once(app: Flask, desk: Desk, laden: dict[str, int], as_):
    clients = [as_("supervisor"), as_("supervisor")]
    start = threading.Barrier(2)
    answers: list[str] = []

    def send(client: FlaskClient) -> None:
        with clock.at(MONDAY):
            for number in range(5):
                move = f"{laden['first'] + number}:{laden['agent2']}"
                start.wait()
                answer = client.post(
                    "/board/move", data={"from": laden["agent"], "move": move, "key": f"k{number}"}
                )
                answers.append(answer.location)

    threads = [threading.Thread(target=send, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 10 and len(set(answers)) == 5
    with desk.app.app_context():
        moves = session().scalars(sa.select(WorkMove)).all()
        assert [len(one.moved) for one in moves] == [1] * 5
        close_read_session()


def test_what_was_touched_since_stays_where_it_is_when_a_move_is_taken_back(
    desk: Desk, laden: dict[str, int], as_
):
    client = as_("supervisor")
    with desk.app.app_context():
        sample = session().get(WorkItem, laden["first"])
        ids = [laden["first"], *waiting(sample, 3, holder=laden["agent"], start=300)]
        close_read_session()
    moves = [f"{one}:{laden['agent2']}" for one in ids]
    answer = client.post("/board/move", data={"from": laden["agent"], "move": moves, "key": "k"})
    with desk.app.app_context():
        agent2 = desk.actor("agent2")
        close_read_session()
        with transaction():
            inbox.release(ids[1], actor=agent2, now=clock.now())
            inbox.assign(ids[2], laden["agent"], actor=agent2, now=clock.now())
            session().add(
                Draft(person_id=agent2.id, subject=f"work_item:{ids[3]}", values={}, saved_at=clock.now())
            )
    client.post(f"{answer.location}/undo")
    page = client.get(answer.location).text
    assert "3 项已有人动过" in page
    holders = [item(desk.app, one).assignee_id for one in ids]
    assert holders == [laden["agent"], None, laden["agent"], laden["agent2"]]


def test_who_did_an_earlier_step_is_not_given_the_next(desk: Desk, laden: dict[str, int], as_):
    with desk.app.app_context():
        sample = session().get(WorkItem, laden["first"])
        [kept] = waiting(
            sample, 1, holder=laden["callback"], start=400, candidate="callback", role="callback",
            excluded_id=laden["agent"],
        )  # fmt: skip
        close_read_session()
    client = as_("supervisor")
    page = client.get(f"/board/move/preview?from={laden['callback']}&item={kept}").text
    assert "没有别人可以办理" in page
    form = {"from": laden["callback"], "move": f"{kept}:{laden['agent']}", "key": "x"}
    page = client.get(client.post("/board/move", data=form).location).text
    assert "没有转出任何任务" in page
    assert item(desk.app, kept).assignee_id == laden["callback"]


@pytest.mark.parametrize(
    "query", ["", "from=999", "from=abc", "from=1&item=x&move=:&to=999", "from=1&move=1:99999999999"]
)
def test_addresses_that_mean_nothing_get_an_answer_not_an_error(desk: Desk, laden, as_, query: str):
    client = as_("supervisor")
    assert client.get(f"/board/move?{query}").status_code in (200, 404)
    assert client.get(f"/board/move/preview?{query}").status_code in (404, 422)
    assert client.post("/board/move", data={"from": laden["agent"]}).status_code == 422
    assert client.get("/board/moves/12345").status_code == 404
    assert (
        client.get("/board/forecast?verdict=x&person=9999999999999&day=0001-01-01&start=-1").status_code
        == 200
    )


# ---------------------------------------------------------------- was it right?


def test_the_backtest_counts_what_came_true(desk: Desk, laden: dict[str, int]):
    with desk.app.app_context():
        found = backtest(clock.now(), 5)
        assert found.forecasts > 0
        assert all(score.late <= score.made for score in found.scores.values())
        close_read_session()


def test_the_forecast_counts_everybodys_work_but_shows_what_one_may_see(desk: Desk, laden: dict[str, int]):
    with desk.app.app_context():
        everything = outlook(desk.actor("supervisor"), clock.now())
        own = outlook(desk.actor("quality"), clock.now())
        assert {one.id for one in everything.expected.values()} == {one.id for one in own.expected.values()}
        assert everything.seen and not own.seen
        close_read_session()
