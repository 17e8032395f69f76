"""Procedures on this test's database."""

import pytest

from tests.support.procedures import Procedures


@pytest.fixture
def desk(app_context) -> Procedures:
    """Small procedures, started and moved by the test."""
    return Procedures()
