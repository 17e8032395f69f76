"""What can be exported: the packages that know how register it under a name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from flask_babel import LazyString

from app.accounts.actor import Actor

# function(query, actor, now) yields the file in blocks; in the language of whoever asked for it.
Maker = Callable[[Mapping[str, str], Actor, datetime], Iterator[bytes]]


@dataclass(frozen=True)
class Kind:
    """One kind of export.

    label:       what it is called in the list.
    suffix:      of the file, also says its media type: csv | xlsx.
    permissions: one of them is needed when it is asked for, when it is made, and when it is fetched.
    """

    name: str
    label: LazyString
    suffix: str
    permissions: tuple[str, ...]
    make: Maker

    def allowed(self, actor: Actor) -> bool:
        """Tell whether somebody may have it."""
        return any(actor.may(permission) for permission in self.permissions)


KINDS: dict[str, Kind] = {}
MEDIA = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def register(name: str, label: LazyString, suffix: str, permissions: tuple[str, ...], make: Maker) -> None:
    """Offer a kind of export; the same name again replaces it."""
    KINDS[name] = Kind(name, label, suffix, permissions, make)
