"""Forms as they are drawn and as they are read back, in both languages. No database is asked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import lxml.html
import polib
import pytest
from flask import Flask, render_template_string
from werkzeug.datastructures import MultiDict

from app import create_app, forms
from app.errors import FieldError
from app.forms import Choice
from app.forms.rules import WIDGETS
from tests.support import database
from tests.unit.test_form_parse import EVERY, POSTED, VALUES, form

ROOT = Path(__file__).parents[2]
DRAW = """{% from "forms/_form.html" import form_fields %}
<form>{{ form_fields(form, values, errors, context, choices) }}</form>"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    made = create_app(database.test_settings("sqlite://", tmp_path_factory.mktemp("forms")))
    yield made
    made.extensions["db_engine"].dispose()


Drawn = Callable[..., Any]


@pytest.fixture
def draw(pages: Flask) -> Drawn:
    def drawn(schema, values=None, errors=(), context=None, choices=None, lang="zh"):
        with pages.test_request_context("/", headers={"Cookie": f"lang={lang}"}):
            html = render_template_string(
                DRAW, form=schema, values=values, errors=errors, context=context or {}, choices=choices or {}
            )
        return lxml.html.fromstring(html)

    return drawn


def every(page, path: str) -> list[Any]:
    """Find by "#id", "[attribute]", "[attribute=value]", ".class", a tag, or an XPath."""
    if path.startswith("#"):
        path = f"//*[@id='{path[1:]}']"
    elif match := re.fullmatch(r"(\w*)\[([\w-]+)(?:=([\w-]+))?\]", path):
        value = f"='{match[3]}'" if match[3] else ""
        path = f"//{match[1] or '*'}[@{match[2]}{value}]"
    elif path.startswith("."):
        path = f"//*[contains(concat(' ', @class, ' '), ' {path[1:]} ')]"
    elif not path.startswith("/"):
        path = f"//{path}"
    return page.xpath(f".{path}")


def one(page, path: str):
    found = every(page, path)
    assert len(found) == 1, (path, lxml.html.tostring(page, encoding="unicode"))
    return found[0]


def test_every_widget_of_the_dialect_is_drawn_and_named(draw):
    page = draw(EVERY)
    drawn = {part.get("data-field") for part in every(page, "[data-field]")}
    assert drawn == set(VALUES)
    assert {
        form_part["x-widget"] for form_part in EVERY["properties"].values() if "x-widget" in form_part
    } <= set(WIDGETS)
    for control in page.xpath("//input[not(@type='hidden')] | //select | //textarea"):
        labelled = (
            control.get("aria-label")
            or page.xpath(f"//label[@for='{control.get('id')}']")
            or control.xpath("ancestor::label")
        )
        assert len(labelled), lxml.html.tostring(control)
    for group in every(page, "fieldset"):
        assert every(group, "legend")


def test_what_was_drawn_from_values_reads_back_as_the_same_values(draw):
    page = draw(EVERY, VALUES)
    posted = MultiDict()
    for control in page.xpath("//input | //textarea | //select"):
        kind, name = control.get("type"), control.get("name")
        if kind == "file" or (kind in ("radio", "checkbox") and control.get("checked") is None):
            continue
        posted.add(name, control.value or "")
    assert forms.parse(EVERY, posted).values == VALUES


def test_what_was_typed_stands_there_again_even_if_it_does_not_fit(draw):
    typed = {
        "count": "many",
        "cost": "免费",
        "day": "明天",
        "at": "后天下午",
        "phone": "12",
        "words": "a\n<b>",
        "yes": "是",
    }
    page = draw(EVERY, typed)
    assert one(page, "#f-count").get("value") == "many"
    assert one(page, "#f-cost").get("value") == "免费"
    assert (one(page, "#f-day").get("value"), one(page, "#f-day").get("type")) == ("明天", "text")
    assert (one(page, "#f-at").get("value"), one(page, "#f-at").get("type")) == ("后天下午", "text")
    assert one(page, "#f-words").text.strip() == "a\n<b>"
    assert one(page, "//input[@name='yes'][@checked]").get("value") == "yes"


def test_days_and_hours_use_the_browsers_own_pickers(draw):
    page = draw(EVERY, VALUES)
    assert (one(page, "#f-day").get("type"), one(page, "#f-day").get("value")) == ("date", "2026-10-08")
    assert (one(page, "#f-at").get("type"), one(page, "#f-at").get("value")) == (
        "datetime-local",
        "2026-10-08T15:05",
    )


def test_an_error_stands_beside_its_field_and_in_the_summary(draw):
    parsed = forms.parse(EVERY, MultiDict({"count": "many"}))
    page = draw(EVERY, parsed.typed, [*parsed.errors, FieldError("", "整张表单")])
    field = one(page, "#f-count")
    assert field.get("aria-invalid") == "true"
    assert "f-count-error" in field.get("aria-describedby")
    assert one(page, "#f-count-error").text_content().strip()
    summary = one(page, "[data-error-summary]")
    assert summary.get("role") == "alert"
    assert [link.get("href") for link in every(summary, "a")] == ["#f-count"]
    assert "还有 2 处没填好，内容都已保留。" in summary.text_content()
    assert "整张表单" in summary.text_content()


def test_one_wrong_field_is_said_in_english(pages, draw):
    page = draw(EVERY, {}, [FieldError("count", "Give a whole number, such as 12.")], lang="en")
    assert (
        "One field still needs an answer. Nothing you typed was lost."
        in one(page, "[data-error-summary]").text_content()
    )


@pytest.mark.parametrize(
    ("locale", "wanted"),
    [
        ("zh", ["请填写整数，如 12。", "原因：请填写。", "这张表单没有 ghost 这一项。"]),
        ("en", ["Give a whole number, such as 12.", "Cause: fill this in.", "This form has no field ghost."]),
    ],
)
def test_errors_are_said_in_the_readers_language(pages, locale, wanted):
    schema = form(("why",), n={"type": "integer"}, why={"type": "string", "title": "原因"})
    with pages.app_context():
        errors = forms.parse(schema, {"n": "x", "ghost": 1}, locale=locale).errors
    assert [error.message for error in errors] == wanted


def test_every_sentence_of_the_forms_has_its_chinese():
    catalogue = polib.pofile(str(ROOT / "app/translations/zh/LC_MESSAGES/messages.po"))
    chinese = {entry.msgid for entry in catalogue if entry.msgstr or any(entry.msgstr_plural.values())}
    text = "".join(
        path.read_text("utf-8") for path in (ROOT / "app/forms").rglob("*") if path.suffix in (".py", ".html")
    )
    asked = set(re.findall(r"""\b(?:_|ngettext)\(\s*["']((?:[^"'\\]|\\.)+)["']""", text))
    assert asked - chinese == set()


def test_read_only_lines_stand_above_the_form_and_hide_the_phone_number(draw):
    schema = form(a={"type": "string"}) | {
        "x-context": [
            "case.description",
            {"path": "customer.phone", "title": "联系电话"},
            "asset.plate",
            "case.cost",
        ]
    }
    context = {
        "case": SimpleNamespace(description="掉线", cost=38000),
        "customer": {"phone": "+8613800138000"},
        "asset": None,
    }
    lines = one(draw(schema, context=context), "dl")
    assert [part.text_content() for part in lines] == [
        "描述",
        "掉线",
        "联系电话",
        "138****8000",
        "费用",
        "¥380.00",
    ]


def test_a_bound_field_starts_with_the_record_but_never_with_a_hidden_number(draw):
    schema = form(
        title={"type": "string", "x-bind": "case.title"},
        phone={"type": "string", "format": "phone", "x-bind": "customer.phone"},
        plate={"type": "string", "x-bind": "asset.plate"},
        at={"type": "string", "format": "date-time", "x-default": "data.callback_at"},
    )
    page = draw(
        schema,
        context={
            "case": {"title": "终端离线"},
            "customer": {"phone": "+8613800138000"},
            "asset": {"plate": "陕A·D7**2"},
            "data": {"callback_at": "2026-10-08T07:05:00+00:00"},
        },
    )
    assert one(page, "#f-title").get("value") == "终端离线"
    assert one(page, "#f-phone").get("value") == ""
    assert one(page, "#f-plate").get("value") == ""
    assert one(page, "#f-at").get("value") == "2026-10-08T15:05"


def test_a_conditional_field_carries_its_condition_and_says_it_in_words(draw):
    schema = form(
        yes={"type": "boolean", "title": "人为损坏"},
        why={"type": "string", "x-when": {"field": "yes", "equals": True}},
        never={"type": "string", "x-when": {"field": "data.payer", "equals": "owner"}},
    )
    page = draw(schema, {"yes": "no"}, context={"data": {"payer": "maker"}})
    field = one(page, "[data-field=why]")
    assert field.get("data-when") == '{"field": "yes", "in": ["yes"]}'
    assert field.get("data-off") is not None
    assert one(page, "#f-why-when").text == "仅当“人为损坏”为 是 时填写。"
    assert not every(page, "[data-field=never]")
    assert one(draw(schema, {"yes": "是"}), "[data-field=why]").get("data-off") is None


def test_kept_files_stay_with_the_form(draw):
    known = {"attachments": {7: SimpleNamespace(name="现场.jpg", url="/attachments/7", size=2048)}}
    page = draw(EVERY, {"files": ["7", "x"]}, choices=known)
    kept = one(page, "//input[@name='files'][@value]")
    assert (kept.get("value"), kept.get("checked") is not None) == ("7", True)
    assert one(page, ".file__n").text == "现场.jpg"
    assert one(page, "//input[@capture='environment']").get("accept") == "image/*"


def test_choices_of_the_server_and_several_matches_are_offered(draw):
    schema = form(
        department={"type": "string", "x-widget": "select", "x-options-from": "departments"},
        who={"type": "integer", "x-widget": "customer"},
    )
    people = [Choice(1, "赵文礼", "139****0261"), Choice(2, "赵武")]
    page = draw(
        schema,
        {"department": "quality", "who": "1"},
        choices={"departments": [Choice("quality", "品质部")], "who": people},
    )
    assert one(page, "option[selected]").text == "品质部"
    assert [radio.get("value") for radio in page.xpath("//input[@name='who']")] == ["1", "2"]
    chosen = draw(schema, {"who": "1"}, choices={"who": people[:1]})
    assert one(chosen, "[data-lookup-text]").get("value") == "赵文礼"


def test_a_submission_reads_as_words_in_both_languages(pages):
    schema = form(
        payer={"type": "string", "title": "原因", "oneOf": [{"const": "x", "title": "设备问题"}]},
        yes={"type": "boolean", "title": "人为损坏"},
        cost={"type": "integer", "x-widget": "money", "title": "费用"},
        phone={"type": "string", "format": "phone", "title": "联系电话"},
        at={"type": "string", "format": "date-time", "title": "时间"},
        score={"type": "integer", "x-widget": "rating", "title": "评分"},
        ticks={
            "type": "array",
            "items": {"oneOf": [{"const": "a", "title": "天线"}, {"const": "b", "title": "馈线"}]},
            "title": "配件",
        },
        blank={"type": "string", "title": "空"},
    )
    values = {
        "payer": "x",
        "yes": True,
        "cost": 38000,
        "phone": "+8613800138000",
        "at": "2025-10-08T07:05:00+00:00",
        "score": 4,
        "ticks": ["a", "b"],
        "gone": "以前的字段",
    }
    with pages.test_request_context("/", headers={"Cookie": "lang=zh"}):
        assert [text for _label, text in forms.display(schema, values)] == [
            "设备问题",
            "是",
            "¥380.00",
            "138****8000",
            "2025-10-08 15:05",
            "4 分（满分 5 分）",
            "天线、馈线",
            "以前的字段",
        ]
        assert dict(forms.display(schema, values, reveal=True))["联系电话"] == "138 0013 8000"
        assert ("gone", "以前的字段") in forms.display(schema, values, "en")
        assert "4 of 5" in dict(forms.display(schema, values, "en")).values()


def test_the_posted_form_of_a_real_page_needs_no_script(pages, draw):
    page = draw(EVERY)
    assert not page.xpath("//@onclick | //@onchange | //script")
    assert {control.get("name") for control in page.xpath("//*[@name]")} >= {*POSTED} - {
        "csrf_token",
        "revision",
    }
