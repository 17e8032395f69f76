"""Where the next page begins: after the last row of this one, by its sort key and id."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _

from app.addresses import LARGEST
from app.db import session
from app.errors import FieldError, Invalid
from app.inbox.filters import read_cursor, write_cursor

# Sorts after everything, for rows without an instant.
NEVER = datetime(9999, 12, 31, tzinfo=UTC)


def page(
    query: Any,
    key: Any,
    number: Any,
    args: dict[str, Any],
    *,
    kind: type,
    newest_first: bool = False,
) -> tuple[list[Any], str | None]:
    """Return one page of a query's rows and the cursor of the next, None on the last; one statement.

    query: a Select. key: the column expression to sort by, never null; number: the id that makes it unique.
    args: {"limit", "cursor"?}; kind: the type of the key. Raises Invalid for a cursor that is none of ours.
    """
    if (start := _read(args.get("cursor"), kind)) is not None:
        value = sa.literal(start[0], key.type)
        past = key < value if newest_first else key > value
        tie = number < start[1] if newest_first else number > start[1]
        query = query.where(sa.or_(past, sa.and_(key == value, tie)))
    order = (key.desc(), number.desc()) if newest_first else (key, number)
    query = query.add_columns(key.label("page_key"), number.label("page_number"))
    rows = list(session().execute(query.order_by(*order).limit(args["limit"] + 1)))
    shown = rows[: args["limit"]]
    more = len(rows) > len(shown)
    return shown, write_cursor([shown[-1].page_key, shown[-1].page_number]) if more else None


def _read(cursor: str | None, kind: type) -> list[Any] | None:
    if not cursor:
        return None
    try:
        found = read_cursor(cursor, [kind, int])
    except (OverflowError, RecursionError):
        found = None
    if found is None or any(isinstance(part, int) and abs(part) > LARGEST for part in found):
        raise Invalid(
            _("The values do not fit."),
            [FieldError("cursor", _("This is no `next` of a page with the same sort."))],
        )
    return found
