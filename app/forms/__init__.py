"""Forms: JSON Schema files to fields, posted text to checked values, values back to words.

`parse` reads what a page or the API posted, `draw` makes a form ready for `forms/_form.html`, `display`
writes a submission's lines, `problems` says what is wrong with a form file.
"""

from __future__ import annotations

from flask import Blueprint, Flask

from app.forms.drawing import draw, headline
from app.forms.model import Choice, Field, Form, FormBroken, problems
from app.forms.parsing import Parsed, initial, parse
from app.forms.showing import display

__all__ = [
    "Choice",
    "Field",
    "Form",
    "FormBroken",
    "Parsed",
    "display",
    "draw",
    "headline",
    "init_app",
    "initial",
    "parse",
    "problems",
]


def init_app(app: Flask) -> None:
    """Make the macros of `forms/_form.html` known."""
    app.register_blueprint(Blueprint("forms", __name__, template_folder="templates"))
    app.jinja_env.globals["draw_form"] = draw
