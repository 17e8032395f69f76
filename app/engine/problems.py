"""What is wrong with a designer's files, in the designer's words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from flask_babel import gettext as _

from app.engine import rule_book
from app.errors import FieldError, Invalid

ERROR = "error"
WARNING = "warning"


@dataclass(frozen=True, order=True)
class Problem:
    """One finding.

    element, name: BPMN id and name of the element; "" where the whole file is meant.
    line:          1-based line in the file, 0 if unknown.
    rule:          key of the rule, e.g. "missing-condition".
    level:         "error" refuses the deployment, "warning" does not.
    message:       what is wrong; remedy: what to do about it. Both in the reader's language.
    """

    file: str
    line: int
    element: str
    name: str
    rule: str
    level: str
    message: str
    remedy: str

    @property
    def why(self) -> str:
        """Why it matters, in the reader's language."""
        return rule_book.why(self.rule)

    def as_dict(self) -> dict[str, object]:
        """Return the finding as JSON values, with why it matters."""
        return {**asdict(self), "why": self.why}

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        what = " ".join(part for part in (self.element, self.name) if part)
        return f"{where}: {what + ': ' if what else ''}{self.message} {self.remedy}"


class ProblemsFound(Invalid):
    """The files are refused; `problems` says why, `errors` repeats it for forms."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        errors = [FieldError(problem.file, str(problem)) for problem in problems]
        super().__init__(_("The files have problems and were not deployed."), errors)
        self.problems = list(problems)


def errors_of(problems: Sequence[Problem]) -> list[Problem]:
    """Return those that refuse a deployment."""
    return [problem for problem in problems if problem.level == ERROR]
