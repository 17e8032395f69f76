"""Numbers in addresses."""

from __future__ import annotations

from typing import Any

from werkzeug.routing import IntegerConverter, Map

# The ids are int4 columns.
LARGEST = 2**31 - 1


class IdConverter(IntegerConverter):
    """`<int:…>` for ids: a number that no row can have is an address that does not exist, not an error."""

    regex = r"\d{1,10}"

    def __init__(self, map: Map, *arguments: Any, **more: Any) -> None:
        super().__init__(map, *arguments, **({"max": LARGEST} | more))
