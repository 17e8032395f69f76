"""Every rule of the linter: how serious, why it matters, how to mend it.

The designers' page docs/designers/checking.md is made from it.
"""

from __future__ import annotations

from collections.abc import Iterator

from flask_babel import lazy_gettext as _l

from app.engine.rule_book import content, drawing
from app.engine.rule_book.model import Rule

GROUPS = {
    "file": _l("The file itself"),
    "shape": _l("Flows, starts and ends"),
    "gateway": _l("Gateways and loops"),
    "engine": _l("What the engine does not do"),
    "work": _l("Steps, roles and forms"),
    "text": _l("Expressions, timers and data"),
    "table": _l("Decision tables"),
    "form": _l("Forms"),
    "drawing": _l("The drawing"),
}

RULES: dict[str, Rule] = {**drawing.RULES, **content.RULES}


def why(key: str) -> str:
    """Return why a rule matters, in the reader's language; "" for a rule that is not in the book."""
    rule = RULES.get(key)
    return str(rule.why) if rule else ""


def page() -> str:
    """Return all rules as a Markdown table for each group, in the reader's language."""
    return "\n".join(_page())


def _page() -> Iterator[str]:
    for group, title in GROUPS.items():
        yield from (f"### {title}", "", "| rule | level | why it matters | what to do |", "|---|---|---|---|")
        for key, rule in RULES.items():
            if rule.group == group:
                yield f"| `{key}` | {rule.level} | {rule.why} | {rule.remedy} |"
        yield ""
