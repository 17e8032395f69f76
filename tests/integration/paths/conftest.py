"""The desk whose cases walk the paths, on both databases."""

from collections.abc import Iterator

import pytest
from flask import Flask

from tests.factories import Desk, desk_on


@pytest.fixture
def desk(app: Flask) -> Iterator[Desk]:
    """A centre with people for every role and the procedures deployed."""
    with desk_on(app) as made:
        yield made
