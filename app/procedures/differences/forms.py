"""Two forms, field by field: what is asked, how, in which order, in both languages."""

from __future__ import annotations

import json
from typing import Any

from app.engine.bundles import form_schema
from app.procedures.differences.model import ADDED, CHANGED, MOVED, REMOVED, Fact, Facts, Item, differing


def compare_forms(before: bytes, after: bytes) -> list[Item]:
    """Return what differs between two JSON Schema forms; one that cannot be read counts as empty.

    The first item may be the form itself, with the id "".
    """
    old, new = _read(before), _read(after)
    had, has = _fields(old), _fields(new)
    found = []
    own = differing(_said(old), _said(new))
    if own and before and after:
        found.append(Item("", str(new.get("title", "")), "form", CHANGED, own))
    for name in {**has, **had}:
        title = str(has.get(name, had.get(name, {})).get("title", "")) or name
        if name not in had:
            found.append(Item(name, title, _type(has[name]), ADDED, differing({}, _said(has[name]))))
        elif name not in has:
            found.append(Item(name, title, _type(had[name]), REMOVED))
        elif facts := differing(_whole(old, name), _whole(new, name)):
            found.append(Item(name, title, _type(has[name]), CHANGED, facts))
    return found + _order(list(had), list(has), has)


def _order(had: list[str], has: list[str], fields: dict[str, Any]) -> list[Item]:
    """Return the fields that stand after another one than before, of those that both forms have."""
    before, after = ([name for name in one if name in had and name in has] for one in (had, has))
    return [
        Item(name, str(fields[name].get("title", "")) or name, _type(fields[name]), MOVED)
        for old, name in zip(before, after, strict=True)
        if old != name
    ]


def _read(content: bytes) -> dict[str, Any]:
    try:
        return dict(form_schema(content))
    except (ValueError, RecursionError):
        return {}


def _fields(schema: dict[str, Any]) -> dict[str, dict[str, Any]]:
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return {}
    return {name: one for name, one in properties.items() if isinstance(one, dict)}


def _whole(schema: dict[str, Any], name: str) -> Facts:
    required = schema.get("required")
    is_asked = isinstance(required, list) and name in required
    return {**_said(_fields(schema)[name]), ("required", ""): "yes" if is_asked else ""}


def _said(one: dict[str, Any]) -> Facts:
    """Return what a field, or the form around the fields, says; nested values as JSON."""
    return {
        ("keyword", key): value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for key, value in one.items()
        if key not in ("properties", "required", "$schema", "$id")
    }


def _type(one: dict[str, Any]) -> str:
    return str(one.get("format") or one.get("type") or "")


__all__ = ["Fact", "compare_forms"]
