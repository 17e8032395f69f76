"""Any file on earth gets an answer: other editors', damaged and hostile files; what is accepted runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from flask import Flask

from app import clock, engine
from app.accounts.actor import SYSTEM
from app.db import transaction
from app.engine import bundles
from app.engine.problems import errors_of
from app.errors import AppError
from tests.support import foreign_files, hostile_files, mutants

pytestmark = pytest.mark.sqlite_only

# What a case of the centre starts with, and what the small procedures of the tests do.
GIVEN: dict[str, Any] = {
    "klass": "device", "severity": "normal", "channel": "phone", "reopened": False, "in_warranty": True,
    "department": "quality", "repair_point": "WP003", "callback_at": "2026-03-03T10:00:00+08:00", "agreed": False,
    "again": False, "both": False, "rounds": 0, "other_type": "renew", "departments": ["quality", "technology"], "point": "WP003", "urgent": False,
    "deadline": "2026-03-03T10:00:00+08:00", "number": 1, "go_on": False, "words": "", "dissatisfied": False,
}  # fmt: skip


def checked(files: dict[str, bytes]) -> list[engine.Problem]:
    """Return the findings; none may be that the check itself has failed."""
    found = engine.check(files)
    assert [one for one in found if one.rule == "check-failed"] == []
    for one in errors_of(found):
        assert one.message
        assert one.remedy
    return found


def refused(files: Iterable[tuple[str, bytes]], folder: str = "bpmn/any") -> list[str]:
    return [name for name, content in files if errors_of(checked({f"{folder}/{name}": content}))]


def test_files_of_other_editors_and_in_other_encodings_are_explained(app: Flask):
    files = [*foreign_files.foreign(), *foreign_files.encoded()]
    assert len(files) > 50
    with app.test_request_context():
        refused(files)


def test_hostile_xml_is_refused_before_anything_in_it_is_read(app: Flask):
    files = list(hostile_files.hostile_xml())
    with app.test_request_context():
        assert refused(files) == [name for name, _content in files]


def test_hostile_forms_diagrams_and_tables_harm_nothing(app: Flask):
    with app.test_request_context():
        refused(hostile_files.hostile_forms(), "forms/any")
        refused(hostile_files.hostile_diagrams())


@pytest.mark.parametrize("seed", range(1, 5))
def test_a_damaged_file_is_explained_or_starts_and_runs_to_its_first_wait(app: Flask, seed: int):
    accepted = 0
    with app.app_context():
        for mutant in mutants.mutants(seed, 75):
            found = checked(mutant.files)
            known = bundles.library(mutant.files)
            if errors_of(found) or mutant.root not in known.processes:
                continue
            accepted += 1
            assert starts(mutant) == "", mutant.name
    assert accepted > 3


class Undone(Exception):
    """Everything a mutant has made is taken back."""


def starts(mutant: mutants.Mutant) -> str:
    """Return why an accepted file does not come to its first wait or its end, "" if it does."""
    now = clock.now()
    try:
        with transaction():
            engine.deploy(mutant.files, actor=SYSTEM, now=now)
            made = engine.start(mutant.root or "", GIVEN, actor=SYSTEM, now=now, business_key="any")
            assert made.status in ("running", "completed", "cancelled")
            raise Undone
    except Undone:
        return ""
    except AppError as error:
        return f"{error} {getattr(error, 'element', '')} {getattr(error, 'detail', '')}"
