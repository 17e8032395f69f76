"""The ways of closed cases laid over a draft: what it still has, and what it does not have any more."""

from __future__ import annotations

import pytest

from app import clock
from app.accounts.actor import SYSTEM
from app.db import close_read_session, transaction
from app.designer import conforming, service
from app.engine import bundles
from app.engine.deploy import latest_files
from tests.factories import Desk
from tests.integration.case_pages import signed_in
from tests.support.engine_files import flow, lane, line, process, user_task

PLATFORM = "complaints/platform_problem.bpmn"


@pytest.fixture
def desk(app):
    with app.app_context():
        made = Desk(app)
        close_read_session()
    yield made
    with app.app_context():
        made.close()


def closed(desk: Desk, count: int) -> None:
    """Platform problems that the desk solved itself, archived without a callback."""
    for number in range(count):
        case = desk.receive(title=f"油耗报表不符 {number}").analyse("platform")
        case.do("judge", can_solve=True)
        case.do("resolve")
        case.do("archive")


def test_what_runs_has_every_way_that_cases_went(app, desk):
    with app.app_context():
        closed(desk, 2)
        desk.receive().analyse("device")  # under way, and so not asked
        found = conforming.fit(latest_files(), 50)
        close_read_session()
    assert (found.instances, found.fitting, found.missing) == (2, 2, [])


def test_a_step_that_the_draft_renames_and_a_way_it_cuts_are_named_with_how_many_went_them(app, desk):
    with app.app_context():
        closed(desk, 3)
        files = dict(latest_files())
        files[PLATFORM] = files[PLATFORM].replace(b'"resolve"', b'"mend"')
        gone = conforming.fit(files, 50)
        files = dict(latest_files())
        cut = files[PLATFORM].replace(b'sourceRef="resolve"', b'sourceRef="refer"')
        files[PLATFORM] = cut
        close_read_session()
        lost = conforming.fit(files, 2)
    (one,) = [piece for piece in gone.missing if not piece.source]
    assert (one.target, one.cases, gone.fitting) == ("resolve", 3, 0)
    assert {(piece.cases, len(piece.examples)) for piece in lost.missing} == {(2, 2)}
    assert lost.instances == 2  # of the newest two only


def test_the_page_says_which_ways_the_draft_has_lost(app, desk):
    with app.app_context():
        closed(desk, 1)
        with transaction():
            draft = service.open_version("platform_problem", actor=SYSTEM, now=clock.now()).id
        content = dict(latest_files())[PLATFORM].replace(b'"resolve"', b'"mend"')
        close_read_session()
    client = signed_in(app, "designer", "en")
    assert "All could have gone just so" in client.get(f"/designer/{draft}/replay").text
    with app.app_context():
        with transaction():
            service.save(draft, PLATFORM, content, revision=1, actor=SYSTEM, now=clock.now())
        close_read_session()
    page = client.get(f"/designer/{draft}/replay").text
    assert "the step “resolve”" in page and "0 could have gone just so" in page


def graph(body: str) -> dict:
    return {id: one for id, (_p, one) in bundles.library({"p.bpmn": process(body)}).processes.items()}


def test_a_way_fits_where_each_step_follows_one_that_was_done(app_context):
    around = line(user_task("a"), user_task("b"), ids=("a", "b")) + flow("b", "a") + lane("a", "b")
    processes = graph(around)

    def lacking(*way: str) -> list[tuple[str, str, str]]:
        return list(conforming.gaps(processes, [("p", one) for one in way]))

    assert lacking("start", "a", "b", "a", "b", "end") == []
    assert lacking("start", "b", "end") == [("p", "start", "b")]
    # Of what comes after a step that is gone nothing is said.
    assert lacking("start", "a", "x", "end") == [("p", "", "x")]
