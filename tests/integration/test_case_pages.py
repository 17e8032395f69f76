"""The case pages: what they show and to whom, what they cost, what happens to a refused form."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app import clock
from app.cases.tables import Case, Comment, SavedView
from app.customers.tables import Customer
from app.db import close_read_session, session, transaction
from app.engine.tables import Event
from app.notifications.tables import Outbox
from tests.factories import MONDAY, Desk
from tests.integration.case_pages import signed_in

MOST_FOR_THE_LIST = 8
MOST_FOR_THE_FILE = 17
PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 20


@pytest.fixture
def desk(app):
    with app.app_context():
        made = Desk(app)
    yield made
    with app.app_context():
        made.close()


@pytest.fixture
def case(app, desk):
    with app.app_context():
        made = desk.receive().analyse("device", severity="high")
        number, made.number = made.row.number, made.row.number
        made.customer_id, made.due = made.row.customer_id, made.row.due_at
        assert number == "K26-10001"
        close_read_session()
    return made


@pytest.fixture
def agent(app, desk):
    return signed_in(app, "agent")


def rows(app, query):
    with app.app_context():
        found = list(session().scalars(query))
        close_read_session()
        return found


def more_cases(app, desk, how_many):
    with app.app_context():
        for number in range(how_many):
            desk.receive(
                title=f"油耗报表相差 {number}",
                customer={"name": f"客户{number}", "phone": f"1370000{number:04d}"},
            )
        close_read_session()


# ---------------------------------------------------------------- the list


@pytest.mark.parametrize(
    "words",
    [
        "K26-10001",
        "139 0000 0261",
        "0261",
        "陕A·D7182",
        "d7182",
        "HX4-2210917",
        "hx42210917",
        "赵文礼",
        "离线",
        "终端 掉线",
    ],
)
def test_a_case_is_found_by_whatever_one_knows_of_it(agent, case, words):
    page = agent.get("/cases", query_string={"q": words}).text
    assert "终端频繁离线" in page


@pytest.mark.parametrize(
    "query", [{"q": "油耗"}, {"q": "%"}, {"class": "platform"}, {"status": "closed"}, {"overdue": "1"}]
)
def test_a_filter_that_fits_nothing_offers_the_way_back(agent, case, query):
    page = agent.get("/cases", query_string=query).text
    assert case.number not in page
    assert "没有符合的案件" in page


def test_the_list_costs_the_same_however_many_cases_there_are(app, desk, agent, case, count_statements):
    agent.get("/cases")
    more_cases(app, desk, 3)
    with count_statements() as few:
        agent.get("/cases?q=油耗")
    more_cases(app, desk, 27)
    with count_statements() as many:
        agent.get("/cases?q=油耗")
    assert len(many) <= MOST_FOR_THE_LIST, many
    assert len(many) <= len(few)


@pytest.mark.parametrize("sort", ["received", "oldest", "due"])
def test_the_pages_of_the_list_show_every_case_once(app, desk, agent, case, sort):
    import re

    more_cases(app, desk, 29)
    seen, url = [], f"/cases?sort={sort}"
    while url:
        page = agent.get(url).text
        seen += re.findall(r'<td class="caselist__no"><a class="num" href="[^"]+">(K26-\d+)', page)
        following = re.search(r'rel="next" href="([^"]+)"', page)
        url = following.group(1).replace("&amp;", "&") if following else ""
    assert len(seen) == len(set(seen)) == 30


def test_a_kept_view_brings_its_filter_back(app, agent, case):
    answer = agent.post(
        "/cases/views", data={"name": "设备急件", "query": "class=device&severity=high&cursor=x"}
    )
    assert answer.location.endswith("/cases?class=device&severity=high")
    assert "设备急件" in agent.get("/cases").text
    assert "设备急件" not in signed_in(app, "agent2").get("/cases").text
    view = rows(app, sa.select(SavedView))[0]
    signed_in(app, "agent2").post(f"/cases/views/{view.id}/delete")
    assert rows(app, sa.select(SavedView))
    agent.post(f"/cases/views/{view.id}/delete")
    assert not rows(app, sa.select(SavedView))


def test_the_export_is_a_spreadsheet_without_phone_numbers_or_formulas(app, desk, agent):
    with app.app_context():
        desk.receive(title="=HYPERLINK(1)")
        close_read_session()
    answer = agent.get("/cases.csv")
    text = answer.data.decode("utf-8-sig")
    assert answer.data.startswith(b"\xef\xbb\xbf")
    assert "'=HYPERLINK(1)" in text
    assert "13900000261" not in text and "D7182" not in text


# ---------------------------------------------------------------- the file


def test_the_file_shows_where_the_case_stands_and_hides_what_is_personal(agent, case):
    page = agent.get(f"/cases/{case.number}").text
    for words in ("终端频繁离线", "设备问题", "判断能否解决", "139****0261", "陕A·D7**2", "信息汇总分析"):
        assert words in page, words
    assert "13900000261" not in page
    assert "D7182" not in page


def test_the_file_costs_the_same_however_much_has_happened(app, desk, agent, case, count_statements):
    agent.get(f"/cases/{case.number}")
    with count_statements() as early:
        agent.get(f"/cases/{case.number}")
    with app.app_context():
        case.do("judge", can_solve=False)
        case.do("refer")
        case.do("solve")
        case.call("dissatisfied")
        close_read_session()
    with count_statements() as late:
        agent.get(f"/cases/{case.number}")
    assert len(late) <= MOST_FOR_THE_FILE, late
    assert len(late) <= len(early)


@pytest.mark.parametrize("path", ["", "/diagrams/1/device_problem.bpmn", "/personal"])
def test_a_case_that_is_not_theirs_is_not_there(app, desk, case, path):
    outsider = signed_in(app, "repairpoint")
    assert outsider.get(f"/cases/{case.number}{path}").status_code == 404
    assert outsider.get(f"/cases/K26-99999{path}").status_code == 404


@pytest.mark.parametrize("action", ["comments", "information", "files", "reveal"])
def test_nothing_is_written_to_a_case_that_is_not_theirs(app, desk, case, action):
    outsider = signed_in(app, "repairpoint")
    assert (
        outsider.post(f"/cases/{case.number}/{action}", data={"body": "x", "reason": "contact"}).status_code
        == 404
    )
    assert not rows(app, sa.select(Comment))


def test_a_repair_point_finds_its_own_cases_and_no_others(app, desk, case):
    with app.app_context():
        case.do("judge")
        case.do("analyse_cause")
        case.do("inform")
        case.do("contact", repair_point="WP003")
        desk.receive(title="别家的案件")
        close_read_session()
    page = signed_in(app, "repairpoint").get("/cases").text
    assert "终端频繁离线" in page
    assert "别家的案件" not in page


def test_the_diagram_comes_in_the_readers_language(app, agent, case):
    zh = agent.get(f"/cases/{case.number}/diagrams/1/device_problem.bpmn?lang=zh").text
    en = agent.get(
        f"/cases/{case.number}/diagrams/1/device_problem.bpmn?lang=en", headers={"Cookie": ""}
    ).text
    assert 'name="判断能否解决"' in zh
    assert en.count("<") == zh.count("<") or "bpmn:definitions" in en
    assert agent.get(f"/cases/{case.number}/diagrams/1/nothing.bpmn").status_code == 404


def test_a_number_is_shown_for_a_reason_and_the_reason_stands_in_the_timeline(app, agent, case):
    address = f"/cases/{case.number}/reveal"
    assert agent.post(address, data={"reason": ""}, headers={"HX-Request": "true"}).status_code == 422
    answer = agent.post(address, data={"reason": "contact"}, headers={"HX-Request": "true"})
    assert "139 0000 0261" in answer.text
    assert "陕A·D7182" in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    told = rows(app, sa.select(Event).where(Event.kind == "customer.revealed"))
    assert [row.data["reason"] for row in told] == ["contact"]
    page = agent.get(f"/cases/{case.number}").text
    assert "显示了隐藏号码" in page


def test_who_may_not_reveal_is_not_offered_it(app, desk, case):
    auditor = signed_in(app, "auditor")
    assert "reveal__box" not in auditor.get(f"/cases/{case.number}").text
    assert auditor.post(f"/cases/{case.number}/reveal", data={"reason": "contact"}).status_code == 403


def test_a_picture_is_shown_and_anything_else_saved(app, agent, case):
    for name, content in (("黑屏.png", PNG), ("维修单.pdf", b"%PDF-1.7")):
        sent = {"files": (io.BytesIO(content), name)}
        assert agent.post(f"/cases/{case.number}/files", data=sent).status_code == 303
    picture, paper = agent.get("/files/1", buffered=True), agent.get("/files/2", buffered=True)
    assert picture.data == PNG
    assert not picture.headers["Content-Disposition"].startswith("attachment")
    assert paper.headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in picture.headers["Content-Security-Policy"]
    assert signed_in(app, "repairpoint").get("/files/1", buffered=True).status_code == 404


def test_a_refused_remark_comes_back_with_the_page(app, agent, case):
    answer = agent.post(f"/cases/{case.number}/comments", data={"body": "字" * 4001})
    assert answer.status_code == 422
    assert "字" * 4001 in answer.text
    assert not rows(app, sa.select(Comment))


def test_withdrawing_and_reopening_by_the_page(app, desk, agent, case):
    assert agent.post(f"/cases/{case.number}/withdraw", data={"reason": ""}).status_code == 422
    assert agent.post(f"/cases/{case.number}/withdraw", data={"reason": "车已卖掉"}).status_code == 303
    assert agent.post(f"/cases/{case.number}/withdraw", data={"reason": "再来"}).status_code == 409
    cut_off = agent.get(f"/cases/{case.number}").text.partition("progress__list")[2].partition("</ol>")[0]
    assert cut_off.count("不再需要") == 1
    assert agent.post(f"/cases/{case.number}/reopen", data={"reason": "又坏了"}).status_code == 303
    page = agent.get(f"/cases/{case.number}").text
    assert "第 2 轮" in page
    assert agent.get(f"/cases/{case.number}?round=1").status_code == 200


# ---------------------------------------------------------------- customers


def test_a_customer_is_found_while_typing_in_two_statements(agent, case, count_statements):
    agent.get("/customers/lookup?q=139")
    for words in ("1390000", "0261", "d7182", "2210917", "文礼"):
        with count_statements() as counted:
            found = agent.get("/customers/lookup", query_string={"q": words}).json["items"]
        assert [one["label"] for one in found] == ["赵文礼"], words
        looked = [one for one in counted.statements if "FROM customer" in one or "FROM asset" in one]
        assert len(looked) <= 2, counted
    assert agent.get("/customers/lookup?q=1").json["items"] == []


def test_the_archive_shows_a_customers_cases_and_hides_the_number(app, desk, agent, case):
    page = agent.get(f"/customers/{case.customer_id}").text
    assert case.number in page
    assert "139****0261" in page
    assert "13900000261" not in page
    assert (
        "139 0000 0261" in agent.post(f"/customers/{case.customer_id}/reveal", data={"reason": "verify"}).text
    )
    assert signed_in(app, "repairpoint").get(f"/customers/{case.customer_id}").status_code == 403


def test_a_number_left_blank_stays_on_file(app, agent, case):
    url = f"/customers/{case.customer_id}"
    assert agent.post(url, data={"name": "赵文理", "phone": "", "region": "陕西 西安"}).status_code == 303
    page = agent.get(url).text
    assert "赵文理" in page and "139****0261" in page
    assert "赵文理" in agent.get("/cases?q=赵文理").text
    assert agent.post(url, data={"name": "赵文理", "phone": "打不通"}).status_code == 422


# ---------------------------------------------------------------- the phone form

CALL = {
    "channel": "phone", "kind": "complaint", "customer_name": "孙国庆", "customer_phone": "138 1234 5678",
    "plate": "陕E·6K888", "title": "中控黑屏", "description": "升级后黑屏，重启无效", "severity": "high", "token": "t1",
}  # fmt: skip


def test_a_call_is_registered_and_the_agent_goes_to_the_case_or_the_next_call(app, agent, case):
    assert agent.post("/cases/new", data=CALL | {"then": "next"}).location.endswith("/cases/new")
    again = agent.post("/cases/new", data=CALL | {"then": "case"})
    assert again.location.endswith("/cases/K26-10002")
    assert len(rows(app, sa.select(Case))) == 2


def test_a_refused_call_comes_back_with_everything_typed_and_its_files(app, agent, case):
    sent = CALL | {"title": "", "customer_phone": "12", "files": (io.BytesIO(PNG), "黑屏.png")}
    answer = agent.post("/cases/new", data=sent)
    assert answer.status_code == 422
    for kept in ("升级后黑屏，重启无效", "孙国庆", "陕E·6K888", "黑屏.png"):
        assert kept in answer.text
    done = agent.post("/cases/new", data=CALL | {"file_ids": "1"})
    assert done.status_code == 303
    assert "黑屏.png" in agent.get(done.location).text


def test_what_was_typed_is_there_after_a_crash_and_gone_after_the_registration(app, agent, case):
    assert (
        agent.post("/cases/new/draft", data={"title": "中控黑", "customer_name": "孙国庆"}).status_code == 204
    )
    assert "中控黑" in signed_in(app, "agent").get("/cases/new").text
    assert "中控黑" not in signed_in(app, "agent2").get("/cases/new").text
    agent.post("/cases/new", data=CALL)
    assert "中控黑" not in agent.get("/cases/new").text


def test_the_open_cases_of_the_customer_are_offered_instead(app, agent, case):
    page = agent.get(f"/cases/new/customers/{case.customer_id}").text
    assert case.number in agent.get(f"/cases/new?customer={case.customer_id}").text
    assert "陕A·D7**2" in agent.get(f"/cases/new?customer={case.customer_id}").text
    assert "赵文礼" in page
    added = agent.post(f"/cases/{case.number}/calls", data=CALL | {"customer_id": str(case.customer_id)})
    assert added.status_code == 303
    assert len(rows(app, sa.select(Case))) == 1
    assert "重启无效" in rows(app, sa.select(Comment))[0].body


# ---------------------------------------------------------------- customers' own pages

REPORT = {
    "name": "孙国庆", "phone": "138 1234 5678", "description": "升级后黑屏，重启无效", "plate": "陕E·6K888",
    "consent": "yes", "token": "r1",
}  # fmt: skip


@pytest.fixture
def visitor(app, desk):
    app.config["WTF_CSRF_ENABLED"] = False
    return app.test_client()


def test_a_customer_reports_follows_adds_to_and_withdraws_a_case(app, visitor):
    done = visitor.post("/report", data=REPORT, follow_redirects=True)
    case = rows(app, sa.select(Case))[0]
    assert (case.channel, case.status) == ("web", "open")
    assert case.number in done.text
    page = visitor.get(f"/track/{case.number}").text
    assert "收到您的问题" in page
    assert "138****5678" in page
    sent = {"body": "昨晚又黑屏", "files": (io.BytesIO(PNG), "黑屏.png")}
    added = visitor.post(f"/track/{case.number}/information", data=sent, follow_redirects=True)
    assert "昨晚又黑屏" in added.text
    assert visitor.get(f"/track/{case.number}/files/1", buffered=True).data == PNG
    assert "已撤回" in visitor.post(f"/track/{case.number}/withdraw", follow_redirects=True).text
    assert rows(app, sa.select(Case))[0].status == "withdrawn"
    visitor.post(f"/track/{case.number}/reopen", data={"reason": "又黑屏了"})
    assert rows(app, sa.select(Case))[0].round == 2


def test_a_report_sent_twice_is_one_case_and_one_of_a_robot_is_none(app, visitor):
    visitor.post("/report", data=REPORT)
    visitor.post("/report", data=REPORT)
    visitor.post("/report", data=REPORT | {"token": "r2", "website": "http://spam"})
    assert len(rows(app, sa.select(Case))) == 1


@pytest.mark.parametrize("lacking", ["name", "phone", "description", "consent"])
def test_a_report_that_lacks_something_comes_back_filled(app, visitor, lacking):
    answer = visitor.post("/report", data=REPORT | {lacking: ""})
    assert answer.status_code == 422
    assert "陕E·6K888" in answer.text
    assert not rows(app, sa.select(Case))


def test_a_wrong_code_and_an_unknown_number_are_answered_alike(app, visitor, case):
    wrong = visitor.post("/track", data={"number": case.number, "code": "AAAAAAAA"})
    unknown = visitor.post("/track", data={"number": "K26-99999", "code": "AAAAAAAA"})
    assert wrong.status_code == unknown.status_code == 404
    assert "单号和查询码对不上" in wrong.text and "单号和查询码对不上" in unknown.text
    assert visitor.get(f"/track/{case.number}").status_code == 404
    assert visitor.post(f"/track/{case.number}/withdraw").status_code == 404


def test_codes_are_not_guessed_and_reports_not_poured_in(app, visitor, case):
    for _attempt in range(10):
        visitor.post("/track", data={"number": case.number, "code": "AAAAAAAA"})
    code = rows(app, sa.select(Case.track_code))[0]
    assert visitor.post("/track", data={"number": case.number, "code": code}).status_code == 429
    for number in range(11):
        last = visitor.post("/report", data=REPORT | {"token": f"x{number}"})
    assert last.status_code == 429
    clock_later = clock.now() + timedelta(hours=1, seconds=1)
    with clock.at(clock_later):
        assert visitor.post("/track", data={"number": case.number, "code": code.lower()}).status_code == 303


def test_a_customer_sees_no_remark_and_no_name_of_staff(app, desk, visitor, case):
    from app.cases import filing

    with app.app_context(), transaction():
        filing.comment(case.id, "客户脾气大，小心", actor=desk.actor("agent"), now=MONDAY)
    code = rows(app, sa.select(Case.track_code))[0]
    visitor.post("/track", data={"number": case.number, "code": code})
    page = visitor.get(f"/track/{case.number}").text
    assert "脾气" not in page
    assert "林晓雯" not in page


def test_a_stranger_who_knows_a_phone_number_adds_nothing_to_its_owners_file(app, visitor, case):
    with app.app_context(), transaction():
        session().get(Customer, case.customer_id).phone_digits = "13812345678"
    visitor.post("/report", data=REPORT | {"email": "stranger@example.com"})
    assert rows(app, sa.select(Case.customer_id).order_by(Case.id.desc()))[0] == case.customer_id
    assert rows(app, sa.select(Customer.email)) == [None]
    assert not rows(app, sa.select(Outbox.recipient).where(Outbox.recipient == "stranger@example.com"))


def test_a_report_is_answered_to_one_address_only(app, visitor):
    for bad in ("a@example.com, b@example.com", "a b@example.com", "nobody"):
        assert visitor.post("/report", data=REPORT | {"email": bad}).status_code == 422
    assert visitor.post("/report", data=REPORT | {"email": "sun@example.com"}).status_code == 303


def test_a_customer_cannot_reopen_and_withdraw_without_end(app, visitor):
    visitor.post("/report", data=REPORT)
    number = rows(app, sa.select(Case.number))[0]
    for _again in range(6):
        visitor.post(f"/track/{number}/withdraw")
        last = visitor.post(f"/track/{number}/reopen", data={"reason": "又黑屏了"})
    assert last.status_code == 429
    assert rows(app, sa.select(Case.round))[0] == 6


def test_a_number_that_only_looks_like_one_is_no_number(app, agent, case):
    odd = {"file_ids": "²", "customer_id": "²", "asset_id": "²", "item": "²", "verb": "claim"}
    assert agent.post("/cases/new", data=CALL | odd).status_code == 303
    assert agent.post("/inbox/bulk", data=odd).status_code == 303


def test_a_diagram_is_never_shown_as_a_page(agent, case):
    answer = agent.get(f"/cases/{case.number}/diagrams/1/device_problem.bpmn")
    assert answer.headers["Content-Disposition"].startswith("attachment")
