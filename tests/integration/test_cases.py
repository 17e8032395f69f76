"""Cases as services see them: numbers, what steps write, who may see them, withdrawing and reopening."""

from __future__ import annotations

import json
import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app import clock, engine
from app.accounts.actor import SYSTEM
from app.cases import access, files, filing, intake
from app.cases import service as cases
from app.cases.tables import Case, CaseRound, Comment, Submission
from app.cases.values import NewCase
from app.customers import service as customers
from app.customers.tables import Asset, Customer
from app.db import close_read_session, session, transaction
from app.engine.tables import Event, WorkItem
from app.errors import Forbidden, Invalid, Refused
from app.notifications.tables import Notification
from tests.factories import MONDAY, desk_on


@pytest.fixture
def desk(app):
    with desk_on(app) as opened:
        yield opened


def count(table, *conditions):
    close_read_session()
    return session().scalar(sa.select(sa.func.count()).select_from(table).where(*conditions))


def events(case_id, kind):
    close_read_session()
    query = (
        sa.select(Event.data).where(Event.stream == f"case:{case_id}", Event.kind == kind).order_by(Event.seq)
    )
    return list(session().scalars(query))


# ---------------------------------------------------------------- filing


def test_a_case_gets_the_next_number_of_the_year_and_a_code_that_can_be_read_out(desk):
    first, second = desk.receive().row, desk.receive().row
    assert first.number == "K26-10001"
    assert second.number == "K26-10002"
    assert len(first.track_code) == 8
    assert not set(first.track_code) & set("01OIL")


def test_two_agents_who_register_at_once_get_two_numbers(app, desk):
    start, made, failed = threading.Barrier(4), [], []

    def register(who):
        with app.app_context(), clock.at(MONDAY):
            actor = who
            start.wait()
            try:
                for number in range(5):
                    with transaction():
                        case = cases.create(
                            NewCase(channel="mail", title=f"终端离线 {number}"), actor=actor, now=MONDAY
                        )
                    made.append(case.number)
            except Exception as error:  # noqa: BLE001  (told by the main thread)
                failed.append(error)

    threads = [
        threading.Thread(target=register, args=(desk.actor(name),)) for name in ("agent", "agent2") * 2
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert sorted(made) == [f"K26-{10001 + number}" for number in range(20)]


def test_a_form_sent_twice_is_one_case(desk):
    new = NewCase(
        channel="phone", title="终端频繁离线", description="跑高速时掉线", severity="normal", token="abc",
        customer={"name": "赵文礼"},
    )  # fmt: skip
    with transaction():
        first = intake.register(new, actor=desk.actor("agent"), now=MONDAY)
    with transaction():
        again = intake.register(new, actor=desk.actor("agent2"), now=MONDAY)
    assert again.id == first.id
    assert count(Case) == 1
    # The second sending did not complete the next step instead.
    assert session().scalars(sa.select(WorkItem.element).where(WorkItem.status == "open")).all() != []


def test_the_customer_with_this_phone_number_is_used_and_not_made_again(desk):
    one = desk.receive(customer={"name": "赵文礼", "phone": "139 0000 0261"}).row
    two = desk.receive(customer={"name": "赵先生", "phone": "+86-13900000261", "company": "陕通物流"}).row
    assert one.customer_id == two.customer_id
    known = session().get(Customer, one.customer_id)
    assert (known.name, known.company) == ("赵文礼", "陕通物流")


def test_a_vehicle_is_known_by_its_plate_however_it_is_written(desk):
    one = desk.receive(asset={"plate": "陕A·D7182"}).row
    two = desk.receive(asset={"plate": "陕a d7182"}).row
    assert one.asset_id == two.asset_id


def test_a_spoken_case_is_registered_in_the_same_transaction(desk):
    new = NewCase(
        channel="phone", title="终端频繁离线", description="跑高速时每隔半小时掉线一次", severity="high",
        customer={"name": "赵文礼", "phone": "13900000261"}, asset={"plate": "陕A·D7182"},
    )  # fmt: skip
    with transaction():
        case = intake.register(new, actor=desk.actor("agent"), now=MONDAY)
    close_read_session()
    items = {item.element: item.status for item in session().scalars(sa.select(WorkItem))}
    assert items["register"] == "done"
    assert "open" in items.values()
    assert count(Submission, Submission.case_id == case.id) == 1


def test_a_case_from_the_web_waits_for_an_agent_to_register_it(desk):
    with transaction():
        intake.register(NewCase(channel="web", title="续费后仍显示到期"), actor=SYSTEM, now=MONDAY)
    close_read_session()
    assert [item.element for item in session().scalars(sa.select(WorkItem))] == ["register"]


def test_what_the_registration_form_refuses_files_nothing(desk):
    with pytest.raises(Invalid) as refused, transaction():
        new = NewCase(
            channel="phone", title="短", description="太短", severity="low", customer={"name": "赵文礼"}
        )
        intake.register(new, actor=desk.actor("agent"), now=MONDAY)
    assert "title" in {error.field for error in refused.value.errors}
    assert count(Case) == 0


# ---------------------------------------------------------------- what steps write


def test_what_a_step_learned_goes_to_the_case_its_work_items_and_its_search(desk):
    case = desk.receive()
    bound = {"case.title": "主板进水无法开机", "case.class": "device", "case.severity": "critical"}
    with transaction():
        changed = cases.apply(case.id, bound, actor=desk.actor("agent"), now=MONDAY)
    assert set(changed) == {"case.title", "case.klass", "case.severity"}
    item = case.item("register")
    assert (item.title, item.klass, item.severity) == ("主板进水无法开机", "device", "critical")
    assert "主板进水" in case.row.search


def test_an_event_quotes_choices_before_and_after_and_no_words(desk):
    case = desk.receive()
    bound = {
        "case.severity": "high",
        "case.description": "请打我儿子的电话 13811112222",
        "customer.phone": "13811112222",
    }
    with transaction():
        cases.apply(case.id, bound, actor=desk.actor("agent"), now=MONDAY)
    told = events(case.id, "case.changed")[-1]
    assert told["changes"] == {"severity": [None, "high"]}
    assert told["changed"] == ["description"]
    close_read_session()
    everything = json.dumps([row.data for row in session().scalars(sa.select(Event))], ensure_ascii=False)
    assert "13811112222" not in everything
    assert "儿子" not in everything


def test_a_changed_phone_number_finds_the_customers_cases_at_once(desk):
    case = desk.receive()
    with transaction():
        customers.change(
            case.row.customer_id, {"phone": "13700009999"}, actor=desk.actor("agent"), now=MONDAY
        )
    assert "13700009999" in case.row.search
    assert "13900000261" not in case.row.search


def test_a_form_cannot_write_what_is_no_attribute_of_a_case(desk):
    case = desk.receive()
    with pytest.raises(ValueError, match="instance_id"), transaction():
        cases.apply(case.id, {"case.instance_id": 7}, actor=SYSTEM, now=MONDAY)


def test_what_happened_to_a_case_is_an_unbroken_chain(desk):
    case = desk.receive().analyse("platform")
    assert list(engine.broken_links(f"case:{case.id}")) == []


# ---------------------------------------------------------------- deadlines


def test_a_case_is_due_when_its_open_step_is(desk):
    case = desk.receive()
    assert case.row.due_at == case.item("register").due_at
    case.analyse("platform")
    assert case.row.due_at == session().scalar(
        sa.select(sa.func.min(WorkItem.due_at)).where(WorkItem.case_id == case.id, WorkItem.status == "open")
    )


def test_a_late_step_tells_the_candidates_then_the_supervisor_then_the_manager(desk):
    case = desk.receive()
    told = []
    for _hour in range(30):
        desk.pass_time(timedelta(hours=1))
        level = case.row.escalation_level
        if level and (not told or told[-1][0] != level):
            close_read_session()
            people = {row.person_id for row in session().scalars(sa.select(Notification))}
            told.append((level, people))
        if level == 3:
            break
    assert [level for level, _people in told] == [1, 2, 3]
    reminded, supervised, managed = (people for _level, people in told)
    assert {desk.actor("agent").id, desk.actor("agent2").id} <= reminded
    assert desk.actor("supervisor").id in supervised - reminded
    assert desk.actor("manager").id in managed - supervised


def test_completing_a_late_step_ends_its_escalation(desk):
    case = desk.receive()
    for _hour in range(30):
        desk.pass_time(timedelta(hours=1))
        if case.row.escalation_level:
            break
    case.do("register")
    assert case.row.escalation_level == 0


# ---------------------------------------------------------------- who may see


def test_a_repair_point_sees_only_the_cases_that_name_it(desk):
    mine, other = desk.receive(), desk.receive(asset={"plate": "陕E·6K888"})
    for case, point in ((mine, "WP003"), (other, "WP001")):
        case.analyse("device").do("judge")
        case.do("analyse_cause")
        case.do("inform")
        case.do("contact", repair_point=point)
    actor = desk.actor("repairpoint")
    assert access.may_see(actor, mine.row)
    assert not access.may_see(actor, other.row)
    mine.do("repair", by="repairpoint")
    assert access.may_see(actor, mine.row)  # what one has done stays visible


def test_a_department_sees_a_case_once_it_reaches_them(desk):
    case = desk.receive().analyse("platform")
    actor = desk.actor("platform")
    assert not access.may_see(actor, case.row)
    case.do("judge", can_solve=False)
    case.do("refer", department="platform")
    assert access.may_see(actor, case.row)
    assert not access.may_see(desk.actor("quality"), case.row)


def test_somebody_who_is_not_signed_in_sees_no_case(desk):
    from app.accounts.web import ANONYMOUS

    assert not access.may_see(ANONYMOUS, desk.receive().row)


# ---------------------------------------------------------------- withdraw, reopen


def test_a_withdrawn_case_has_nothing_open_no_deadline_and_its_reason_is_kept(desk):
    case = desk.receive().analyse("device")
    case.withdraw("车已卖掉")
    row = case.row
    assert (row.status, row.due_at, row.closed_at) == ("withdrawn", None, clock.now())
    assert case.open == []
    assert count(Comment, Comment.case_id == case.id, Comment.body.contains("车已卖掉")) == 1
    with pytest.raises(Refused):
        case.withdraw()


def test_withdrawing_takes_back_the_call_that_was_promised(desk):
    case = desk.receive().analyse("platform")
    case.do("judge", can_solve=False)
    case.do("refer")
    case.do("solve")
    assert case.callbacks == [None]
    case.withdraw()
    assert case.callbacks == ["cancelled"]


def test_only_who_may_withdraw_withdraws(desk):
    case = desk.receive()
    with pytest.raises(Forbidden), transaction():
        cases.withdraw(case.id, "不想要了", actor=desk.actor("repairpoint"), now=MONDAY)
    assert case.status == "open"


def test_a_case_is_reopened_within_the_period_as_a_round_of_its_own(desk):
    case = desk.receive()
    case.withdraw()
    desk.at(clock.now() + timedelta(days=30))
    case.reopen("又出现了")
    assert (case.status, case.row.round) == ("open", 2)
    assert case.open == ["register"]
    assert count(CaseRound, CaseRound.case_id == case.id) == 2


def test_after_the_period_a_case_stays_ended(desk):
    case = desk.receive()
    case.withdraw()
    desk.at(clock.now() + timedelta(days=30, seconds=1))
    with pytest.raises(Refused):
        case.reopen()
    assert (case.status, case.row.round) == ("withdrawn", 1)


def test_a_reason_is_wanted(desk):
    case = desk.receive()
    with pytest.raises(Invalid):
        case.withdraw("  ")
    assert case.status == "open"


# ---------------------------------------------------------------- files and remarks


def test_equal_files_are_kept_once_and_shown_under_their_own_names(desk):
    case = desk.receive()
    content = b"\x89PNG\r\n\x1a\n" + b"x" * 10
    with transaction():
        one = filing.attach(case.id, "C:\\照片\\黑屏.png", content, actor=desk.actor("agent"), now=MONDAY)
        two = filing.attach(case.id, "../../etc/passwd.png", content, actor=desk.actor("agent"), now=MONDAY)
    assert one.digest == two.digest
    assert (one.name, two.name) == ("黑屏.png", "passwd.png")
    assert files.path_of(one.digest).read_bytes() == content


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.html", b"<script>"),
        ("x.svg", b"<svg/>"),
        ("x.exe", b"MZ"),
        ("x.png", b"<html>"),
        ("x.pdf", b""),
        ("x", b"x"),
    ],
)
def test_a_file_that_a_browser_would_run_or_that_lies_is_refused(desk, name, content):
    case = desk.receive()
    with pytest.raises(Invalid), transaction():
        filing.attach(case.id, name, content, actor=desk.actor("agent"), now=MONDAY)


def test_information_tells_whoever_has_the_step_in_hand(desk):
    from app.inbox import service as inbox

    case = desk.receive()
    with transaction():
        inbox.claim(case.item("register").id, actor=desk.actor("agent2"), now=clock.now())
    with transaction():
        filing.add_information(case.id, "昨晚又掉线", actor=desk.actor("agent"), now=clock.now())
    close_read_session()
    told = session().scalars(sa.select(Notification).where(Notification.kind == "information_added")).all()
    assert [row.person_id for row in told] == [desk.actor("agent2").id]


def test_of_two_things_with_one_number_the_callers_own_is_meant(desk):
    with transaction():
        actor = desk.actor("agent")
        session().add(
            Asset(
                kind="vehicle",
                plate="陕E6K888",
                plate_folded="陕E6K888",
                created_at=MONDAY,
                updated_at=MONDAY,
            )
        )  # nobody's
        session().flush()
        owner = customers.create({"name": "孙国庆"}, actor=actor, now=MONDAY)
        own = customers.find_or_create_asset(owner.id, {"serial": "HX4-999"}, actor=actor, now=MONDAY)
        both = {"plate": "陕E·6K888", "serial": "HX4-999"}
        assert customers.find_or_create_asset(owner.id, both, actor=actor, now=MONDAY) is own
