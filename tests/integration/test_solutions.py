"""The solution database: kept at the archive, offered to the next case of its kind, counted at each use."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from app import clock
from app.cases import solutions
from app.cases.tables import Solution
from app.db import close_read_session, session, transaction
from app.errors import Invalid
from app.inbox.background import form_of, form_sources
from app.inbox.service import Unfit
from tests.factories import Desk, desk_on


@pytest.fixture
def desk(app):
    with desk_on(app) as made:
        yield made


def entries() -> dict[str, Solution]:
    close_read_session()
    return {one.title: one for one in session().scalars(sa.select(Solution))}


def solved(desk: Desk, klass: str = "platform", **archive) -> None:
    """Let a case be solved at once and archived."""
    case = desk.receive().analyse(klass)
    if klass == "platform":
        case.do("judge", can_solve=True)
        case.do("resolve")
    case.do("archive", **archive)
    return case


def keep(desk: Desk, title: str, klass: str = "platform", body: str = "照此处理", uses: int = 1) -> None:
    case = desk.receive()
    for _use in range(uses):
        with transaction():
            solutions.use(
                case.row,
                {"title": title, "body": body},
                klass=klass,
                cause=None,
                actor=desk.actor("agent"),
                now=clock.now(),
            )


def test_a_new_solution_is_kept_when_the_case_is_archived(desk):
    case = solved(desk, new_title="数据延迟，补传数据", new_solution="后台补传两小时的数据")
    made = entries()["数据延迟，补传数据"]
    assert (made.body, made.klass, made.cause) == ("后台补传两小时的数据", "platform", "程序缺陷")
    assert (made.used_count, made.case_id) == (1, case.id)
    assert case.row.solution == "后台补传两小时的数据"
    assert case.status == "closed"


def test_an_existing_solution_is_counted_and_its_words_go_to_the_case(desk):
    solved(desk, new_title="补传数据", new_solution="后台补传")
    second = solved(desk, solution_kind="existing", solution="补传数据", new_title="", new_solution="")
    assert {title: one.used_count for title, one in entries().items()} == {"补传数据": 2}
    assert second.row.solution == "后台补传"


def test_a_new_solution_under_a_known_title_counts_as_its_use_and_keeps_the_first_words(desk):
    solved(desk, new_title="补传数据", new_solution="后台补传")
    second = solved(desk, new_title="补传数据", new_solution="重启服务后补传")
    made = entries()["补传数据"]
    assert (made.used_count, made.body) == (2, "后台补传")
    assert second.row.solution == "重启服务后补传"


def test_a_solution_that_is_not_offered_is_refused_and_nothing_is_counted(desk):
    keep(desk, "补传数据")
    case = desk.receive().analyse("platform")
    case.do("judge", can_solve=True)
    case.do("resolve")
    with pytest.raises(Unfit) as refused:
        case.do("archive", solution_kind="existing", solution="没有这个方案", new_title="", new_solution="")
    assert [error.field for error in refused.value.errors] == ["solution"]
    assert case.open == ["archive"]
    assert entries()["补传数据"].used_count == 1


def test_a_solution_without_name_or_words_is_refused(desk):
    case = desk.receive()
    given = {"klass": None, "cause": None, "actor": desk.actor("agent"), "now": clock.now()}
    for values in ({"title": " ", "body": "x"}, {"title": "长" * 81, "body": "x"}, {"title": "没有"}):
        with pytest.raises(Invalid), transaction():
            solutions.use(case.row, values, **given)
    assert entries() == {}


def test_the_same_class_is_offered_first_and_then_the_most_used(desk):
    keep(desk, "设备常用", "device", uses=3)
    keep(desk, "平台少用", "platform")
    keep(desk, "平台常用", "platform", uses=2)
    assert [one.label for one in solutions.choices("platform")] == ["平台常用", "平台少用", "设备常用"]
    assert [one.label for one in solutions.choices("device")][0] == "设备常用"
    assert [one.label for one in solutions.choices(None)] == ["设备常用", "平台常用", "平台少用"]


def test_at_most_fifty_solutions_are_offered(desk):
    case = desk.receive()
    with transaction() as write:
        write.add_all(
            Solution(title=f"方案 {n}", body="x", klass="device", created_at=clock.now(), case_id=case.id)
            for n in range(60)
        )
    assert len(solutions.choices("device")) == 50


def test_the_forms_of_judging_and_archiving_offer_them(desk):
    keep(desk, "补传数据")
    case = desk.receive().analyse("platform")
    item = case.item("judge")
    offered = form_sources(item, form_of(item)).choices["solutions"]
    assert [one.value for one in offered] == ["补传数据"]


def test_similar_solutions_are_found_by_shared_words(desk):
    keep(desk, "终端频繁离线，更换馈线", "device", "更换馈线并加固")
    keep(desk, "续费办理", "other", "发送付款链接")
    found = solutions.similar("device", "跑高速时终端频繁离线")
    assert [one.title for one in found] == ["终端频繁离线，更换馈线"]
    assert found[0].likeness > 0.3
    assert solutions.similar("device", "") == []


def test_similar_solutions_cost_one_statement(desk, count_statements):
    keep(desk, "终端频繁离线")
    desk.pass_time(timedelta(0))
    with count_statements() as counted:
        solutions.similar("device", "终端离线")
        solutions.choices("device")
    assert len(counted) == 2, counted
