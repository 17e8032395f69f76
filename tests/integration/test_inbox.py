"""The inbox: who sees what, verbs and their refusals, drafts, pages and how much they ask the database."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app import clock
from app.cases.tables import Comment, Submission
from app.db import close_read_session, session, transaction
from app.engine.tables import WorkItem
from app.errors import Conflict, Forbidden, Invalid, NotFound
from app.inbox import queries, service
from app.inbox.filters import Filters
from app.inbox.tables import Draft
from tests.factories import MONDAY, desk_on


@pytest.fixture
def desk(app):
    with desk_on(app) as made:
        yield made


@pytest.fixture
def item(desk):
    return desk.receive().item("register")


def page(desk, username, **filters):
    close_read_session()
    return queries.page(Filters(**filters), desk.actor(username), clock.now())


def numbers(desk, username, **filters):
    close_read_session()
    return queries.counts(Filters(**filters), desk.actor(username), clock.now()).views


def do(verb, item, by, **values):
    with transaction():
        return verb(item.id, actor=by, now=clock.now(), **values)


def copies(item, count, **changes):
    """Put more items like this one into the list, one minute apart."""
    columns = [column.key for column in WorkItem.__table__.columns if column.key != "id"]
    with transaction() as write:
        for number in range(count):
            values = {name: getattr(item, name) for name in columns} | changes
            values |= {"task_id": f"copy-{number}", "due_at": MONDAY + timedelta(minutes=number)}
            write.add(WorkItem(**values))


# ---------------------------------------------------------------- who sees what


def test_an_unclaimed_item_is_offered_to_everybody_of_its_role_and_to_nobody_else(desk, item):
    assert [row.id for row in page(desk, "agent").rows] == [item.id]
    assert [row.id for row in page(desk, "agent2").rows] == [item.id]
    assert page(desk, "quality").rows == []
    with pytest.raises(NotFound):
        service.get(item.id, desk.actor("quality"))


def test_a_claimed_item_moves_from_the_roles_list_to_its_holders(desk, item):
    do(service.claim, item, desk.actor("agent"))
    assert numbers(desk, "agent")["mine"] == 1
    assert numbers(desk, "agent2") | {"team": 1} == numbers(desk, "agent2")
    assert page(desk, "agent2").rows == []
    assert [row.who for row in page(desk, "agent2", view="team").rows] == [desk.actor("agent").display_name]


def test_a_supervisor_may_look_at_everybodys_work(desk, item):
    do(service.claim, item, desk.actor("agent"))
    assert page(desk, "supervisor").rows == []
    assert [row.id for row in page(desk, "supervisor", scope="all").rows] == [item.id]


def test_a_repair_point_sees_only_its_own_units_items(desk):
    case = desk.receive().analyse("device")
    case.do("judge", can_solve=True)
    case.do("analyse_cause", in_warranty=True, man_made=False)
    case.do("inform")
    case.do("contact", repair_point="WP003")
    mine = desk.actor("repairpoint")
    assert f"repairpoint:{'WP003'}" in mine.groups
    assert [row.name for row in page(desk, "repairpoint").rows] == [case.item("repair").name]
    with transaction() as write:
        write.execute(
            sa.update(WorkItem)
            .where(WorkItem.id == case.item("repair").id)
            .values(candidate="repairpoint:WP001")
        )
    assert page(desk, "repairpoint").rows == []


def test_who_did_the_step_that_must_be_separate_is_not_offered_the_next_one(desk, item):
    agent, other = desk.actor("agent"), desk.actor("agent2")
    with transaction() as write:
        write.execute(sa.update(WorkItem).where(WorkItem.id == item.id).values(excluded_id=agent.id))
    assert page(desk, "agent").rows == []
    with pytest.raises(Forbidden):
        do(service.claim, item, agent)
    assert do(service.claim, item, other).assignee_id == other.id


def test_who_is_alone_in_a_role_may_do_it_all_the_same(desk, item):
    technician = desk.actor("technician")
    with transaction() as write:
        write.execute(
            sa.update(WorkItem)
            .where(WorkItem.id == item.id)
            .values(candidate="technician", excluded_id=technician.id)
        )
    assert do(service.claim, item, technician).assignee_id == technician.id


# ---------------------------------------------------------------- the list


def test_the_list_is_paged_by_key_without_gaps_or_repeats(desk, item):
    copies(item, 95)
    for sort in ("due", "newest", "priority", "followup"):
        seen, after = [], ""
        for _page in range(9):
            found = page(desk, "agent", sort=sort, after=after)
            seen += [row.id for row in found.rows]
            after = found.after
            if not after:
                break
        assert len(seen) == len(set(seen)) == 96, sort


def test_a_new_item_between_two_pages_repeats_nothing(desk, item):
    copies(item, 60)
    first = page(desk, "agent")
    desk.receive(title="新来的")
    second = page(desk, "agent", after=first.after)
    assert not {row.id for row in first.rows} & {row.id for row in second.rows}


def test_a_broken_page_key_starts_at_the_top(desk, item):
    assert [row.id for row in page(desk, "agent", after="%%%").rows] == [item.id]


def test_items_are_grouped_by_how_urgent_they_are(desk, item):
    copies(item, 1)
    desk.at(MONDAY + timedelta(minutes=1))
    assert [name for name, _rows in page(desk, "agent").groups] == ["late", "today"]
    counted = numbers(desk, "agent")
    assert (counted["overdue"], counted["today"], counted["all"]) == (1, 1, 2)


@pytest.mark.parametrize("words", ["离线", "赵文礼", "139 0000 0261", "陕AD7182", "K26-10001", "接收"])
def test_the_search_finds_an_item_by_what_one_knows_of_it(desk, item, words):
    assert [row.id for row in page(desk, "agent", q=words).rows] == [item.id]
    assert page(desk, "agent", q=f"{words} 没有这个").rows == []


# ---------------------------------------------------------------- verbs


def test_claim_and_release(desk, item):
    agent = desk.actor("agent")
    assert do(service.claim, item, agent).status == "claimed"
    assert do(service.claim, item, agent).assignee_id == agent.id
    assert do(service.release, item, agent).status == "open"


def test_a_second_claim_is_told_who_was_first_and_when(desk, item):
    first, second = desk.actor("agent"), desk.actor("agent2")
    do(service.claim, item, first)
    with pytest.raises(Conflict) as refused:
        do(service.claim, item, second)
    assert (refused.value.by, refused.value.at) == (first.display_name, clock.now())


def test_of_two_people_claiming_at_the_same_moment_exactly_one_has_it(desk, item):
    people = [desk.actor("agent"), desk.actor("agent2")]
    for _round in range(10):
        outcomes, barrier = [], threading.Barrier(2)

        def claim(person, outcomes=outcomes, barrier=barrier):
            with desk.app.app_context(), clock.at(MONDAY):
                barrier.wait()
                try:
                    do(service.claim, item, person)
                    outcomes.append(person.id)
                except Conflict as refused:
                    outcomes.append(refused.by)

        threads = [threading.Thread(target=claim, args=(person,)) for person in people]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        winners = [one for one in outcomes if isinstance(one, int)]
        assert len(winners) == 1, outcomes
        winner = next(person for person in people if person.id == winners[0])
        assert [one for one in outcomes if isinstance(one, str)] == [winner.display_name]
        do(service.release, item, winner)


def test_claim_next_takes_the_most_urgent_and_then_nothing(desk, item):
    agent = desk.actor("agent")
    copies(item, 1)
    taken = []
    for _time in range(3):
        with transaction():
            one = service.claim_next(actor=agent, now=clock.now())
        taken.append(one.due_at if one else None)
    assert taken[0] < taken[1]
    assert taken[2] is None


def test_handing_over_gives_the_reason_to_the_case_and_tells_the_other(desk, item):
    agent, other = desk.actor("agent"), desk.actor("agent2")
    do(service.claim, item, agent)
    handed = do(service.assign, item, agent, person_id=other.id, reason="今天请假")
    assert handed.assignee_id == other.id
    close_read_session()
    assert "今天请假" in session().scalar(sa.select(Comment.body).where(Comment.work_item_id == item.id))


def test_others_work_is_handed_over_by_a_supervisor_only(desk, item):
    agent, other = desk.actor("agent"), desk.actor("agent2")
    do(service.claim, item, agent)
    with pytest.raises(Forbidden):
        do(service.assign, item, other, person_id=other.id)
    assert do(service.assign, item, desk.actor("supervisor"), person_id=other.id).assignee_id == other.id


def test_nobody_is_handed_what_they_may_not_do(desk, item):
    with pytest.raises(Invalid):
        do(service.assign, item, desk.actor("supervisor"), person_id=desk.actor("quality").id)


def test_several_are_claimed_and_the_one_that_is_gone_is_named(desk, item):
    copies(item, 2)
    ids = [row.id for row in page(desk, "agent").rows]
    with transaction() as write:
        write.execute(sa.update(WorkItem).where(WorkItem.id == ids[0]).values(status="done"))
    with transaction():
        outcome = service.bulk("claim", ids, actor=desk.actor("agent"), now=clock.now())
    assert outcome.done == ids[1:]
    assert [number for number, _why in outcome.refused] == [item.case_number]


def test_a_follow_up_date_is_in_the_future_and_can_be_taken_away(desk, item):
    agent, tomorrow = desk.actor("agent"), clock.now() + timedelta(days=1)
    assert do(service.follow_up, item, agent, at=tomorrow).follow_up_at == tomorrow
    assert numbers(desk, "agent")["followup"] == 1
    assert do(service.follow_up, item, agent, at=None).follow_up_at is None
    with pytest.raises(Invalid):
        do(service.follow_up, item, agent, at=clock.now())


# ---------------------------------------------------------------- completing and drafts


def test_completing_keeps_the_answers_and_opens_the_next_step(desk, item):
    result = do(service.complete, item, desk.actor("agent"), posted={"severity": "high"})
    assert result.completed.status == "done"
    assert [one.element for one in result.opened] == ["analyse"]
    close_read_session()
    kept = session().scalar(sa.select(Submission).where(Submission.work_item_id == item.id))
    assert kept.values["severity"] == "high"


def test_unfit_answers_change_nothing_and_come_back_as_typed(desk, item):
    with pytest.raises(service.Unfit) as refused:
        do(service.complete, item, desk.actor("agent"), posted={"severity": "no such", "title": "新标题"})
    assert "severity" in {one.field for one in refused.value.errors}
    assert refused.value.parsed.typed["title"] == "新标题"
    close_read_session()
    assert session().get(WorkItem, item.id).status == "open"


def test_what_somebody_else_finished_is_a_conflict_that_names_them(desk, item):
    first, second = desk.actor("agent"), desk.actor("agent2")
    do(service.complete, item, first, posted={"severity": "low"})
    with pytest.raises(Conflict) as refused:
        do(service.complete, item, second, posted={"severity": "high"})
    assert refused.value.by == first.display_name


def test_what_somebody_else_claimed_cannot_be_completed_over_their_head(desk, item):
    do(service.claim, item, desk.actor("agent"))
    with pytest.raises(Conflict):
        do(service.complete, item, desk.actor("agent2"), posted={"severity": "high"})


def test_a_draft_comes_back_to_its_writer_only_and_goes_with_the_completion(desk, item):
    agent = desk.actor("agent")
    do(service.claim, item, agent)
    do(service.save_draft, item, agent, posted={"title": "写到一半"})
    close_read_session()
    draft = session().get(Draft, (agent.id, f"work_item:{item.id}"))
    assert draft.values == {"title": "写到一半"}
    do(service.complete, item, agent, posted={"severity": "low"})
    close_read_session()
    assert session().get(Draft, (agent.id, f"work_item:{item.id}")) is None
