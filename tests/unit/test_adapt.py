"""Files of other editors, mended: what is offered, that it is enough, and that nothing else changes."""

from __future__ import annotations

from itertools import zip_longest

import pytest
from flask import Flask
from flask_babel import Babel

from app import engine
from app.engine.adapt import adapt
from app.engine.problems import errors_of
from app.engine.xml import BadFile, read_xml
from tests.support import foreign_files, hostile_files, mutants
from tests.support.foreign_files import Model, Node

FOREIGN = dict(foreign_files.foreign())
ENCODED = dict(foreign_files.encoded())
# What takes knowledge of the centre: which role a step is for, which connector is meant, what its form asks.
OURS = {"no-role", "no-connector", "unknown-connector", "missing-form"}


@pytest.fixture(autouse=True)
def english():
    app = Flask("app")
    Babel(app, default_locale="en")
    with app.test_request_context():
        yield


def errors(name: str, content: bytes) -> set[str]:
    return {one.rule for one in errors_of(engine.check({f"bpmn/x/{name}": content}))}


@pytest.mark.parametrize("name", FOREIGN)
def test_what_takes_no_knowledge_of_the_centre_is_mended_at_once(name: str):
    adapted = adapt(name, FOREIGN[name])
    assert errors(name, adapted.content) <= OURS
    assert adapt(name, adapted.content).changes == ()


@pytest.mark.parametrize("name", ENCODED)
def test_every_encoding_is_told_or_becomes_utf_8(name: str):
    try:
        adapted = adapt(name, ENCODED[name])
    except BadFile as error:
        assert name == "ebcdic.bpmn"
        assert "EBCDIC" in error.message
        return
    adapted.content.decode("utf-8")
    names = [node.get("name") for node in read_xml(adapted.content).iter() if node.get("name")]
    assert "登记" in names
    assert errors(name, adapted.content) == set()


@pytest.mark.parametrize(
    ("model", "repairs"),
    [
        ("camunda8_choice.bpmn", {"expressions", "assignments", "default_flows"}),
        ("camunda8_implicit.bpmn", {"assignments", "implicit_splits"}),
        ("signavio_timed.bpmn", {"executable"}),
        ("bpmn_io_line.bpmn", {"executable", "drawing"}),
    ],
)
def test_each_change_is_named(model: str, repairs: set[str]):
    adapted = adapt(model, FOREIGN[model])
    assert {change.repair for change in adapted.changes} == repairs
    assert all(change.message for change in adapted.changes)


def test_only_what_was_asked_for_is_changed():
    name = "camunda8_choice.bpmn"
    adapted = adapt(name, FOREIGN[name], only=["default_flows"])
    assert {change.repair for change in adapted.changes} == {"default_flows"}
    old, new = FOREIGN[name].decode().splitlines(), adapted.content.decode().splitlines()
    assert len([1 for one, other in zip_longest(old, new) if one != other]) == 1


def test_a_join_is_drawn_only_when_asked_for():
    nodes = [Node("s", "startEvent"), Node("e", "endEvent"), *(Node(id, "userTask", "登记") for id in "abc")]
    flows = [("s", "a"), ("a", "b"), ("a", "c"), ("b", "c"), ("c", "e")]
    model = Model("join", tuple(nodes), tuple((*ends, "") for ends in flows))
    content = foreign_files.write(model, foreign_files.DIALECTS[0]).encode()
    assert "exclusiveGateway" not in adapt("join.bpmn", content).content.decode()
    joined = adapt("join.bpmn", content, only=["implicit_splits", "implicit_joins"]).content
    assert "exclusiveGateway" in joined.decode()
    assert errors("join.bpmn", joined) <= OURS


def test_the_shipped_files_are_left_alone():
    for path, content in mutants.shipped().items():
        if path.startswith("complaints/"):
            assert adapt(path, content).content == content


def test_a_damaged_file_is_mended_refused_or_left_alone_and_stays_well_formed():
    seen = 0
    for mutant in mutants.mutants(11, 150):
        try:
            adapted = adapt(mutant.path, mutant.content)
        except BadFile as error:
            assert error.message
            continue
        seen += 1
        if adapted.changes:
            read_xml(adapted.content)
        else:
            assert adapted.content == mutant.content
    assert seen > 50


def test_hostile_files_are_refused_or_left_alone():
    for name, content in hostile_files.everything():
        try:
            adapted = adapt(name, content)
        except BadFile as error:
            assert error.message
        else:
            assert adapted.changes or adapted.content == content
