"""What an operator can do about a step that failed: from what the engine said to a cause and a remedy."""

from __future__ import annotations

import re

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

# (what the engine says, the cause, the remedy), the first that fits. The messages of expressions are in the
# language of whoever met them, so both languages are looked for.
_KNOWN = (
    (
        r"has no value here|在这里没有值|is not defined",
        _l("A condition or table reads a value that no step before has given."),
        _l(
            "Move it by hand back to the step that gives it, or set the value on the way; then mend the"
            " diagram and move the other instances to the new version."
        ),
    ),
    (
        r"There is no connector|没有连接器",
        _l("The diagram calls a service that this installation does not have."),
        _l("Ask the operators to install it, or skip the step by hand; then mend the diagram."),
    ),
    (
        r"No row of the decision|没有符合的行",
        _l("A decision table has no row for these values."),
        _l("Add a row to the table and publish it, move this instance to the new version and retry."),
    ),
    (
        r"needs more than [\d,]+ tasks",
        _l("The process goes in a circle without ever waiting."),
        _l("Mend the diagram: a loop needs a task, a time or a message in it. Then move this instance."),
    ),
    (
        r"nothing is waited for any more|engine does not find",
        _l("After this step nothing would wait any more: ways beside each other do not come together."),
        _l("Mend the gateways in the diagram, move this instance to the new version and retry."),
    ),
    (
        r"No conditions satisfied|No default|no outgoing",
        _l("No condition at a gateway holds, and it has no default flow."),
        _l("Give the gateway a default flow, move this instance to the new version and retry."),
    ),
    (
        r"(Timeout|Connection|OperationalError|Temporar|refused)",
        _l("Something outside could not be reached."),
        _l("Retry once it can be reached again."),
    ),
)


def remedy(detail: str) -> tuple[str, str]:
    """Return the cause of a failure and what can be done, in the reader's language.

    detail: what the engine said. What is not known gets an answer that holds for every failure.
    """
    for pattern, cause, advice in _KNOWN:
        if re.search(pattern, detail):
            return str(cause), str(advice)
    return (
        _("The engine met what it did not expect; its words are below."),
        _("Mend the cause and retry, or move it by hand past this step."),
    )
