"""What forms.js adds to a form: fields that come and go, look-ups by keyboard, uploads; on a phone, too."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask, render_template_string, request
from playwright.sync_api import Page, Route, expect

from app import forms
from tests.support.browser import PHONE, axe_violations
from tests.unit.test_form_parse import EVERY

PAGE = """{% extends "web/bare.html" %}{% from "forms/_form.html" import form_fields %}
{% block title %}表单{% endblock %}
{% block head %}<script src="{{ asset('js/forms.js') }}" defer></script>{% endblock %}
{% block content %}<h1>表单</h1>
{% set ahead = "sent" in request.args %}
<form method="post" enctype="multipart/form-data" novalidate{% if ahead %} data-attach-to="5"{% endif %}>
<input type="hidden" name="csrf_token" value="{{ csrf_token() }}">
{{ form_fields(form, values, errors) }}<button class="btn btn--primary">{{ _("Submit") }}</button></form>
{% if parsed %}<pre id="values">{{ parsed.values | tojson }}</pre>{% endif %}{% endblock %}"""

CALL = {
    "type": "object",
    "required": ["outcome", "score"],
    "properties": {
        "outcome": {
            "type": "string",
            "title": "回访结果",
            "x-widget": "radio",
            "oneOf": [{"const": "reached", "title": "已接通"}, {"const": "no_answer", "title": "无人接听"}],
        },
        "score": {
            "type": "integer",
            "x-widget": "rating",
            "title": "满意度",
            "x-when": {"field": "outcome", "equals": "reached"},
        },
        "why": {
            "type": "string",
            "title": "不满意的原因",
            "minLength": 4,
            "x-widget": "textarea",
            "x-when": {"field": "score", "in": [1, 2]},
        },
        "who": {"type": "integer", "title": "客户", "x-widget": "customer"},
        "photos": {"type": "array", "title": "照片", "x-widget": "file", "items": {"type": "integer"}},
    },
}


@pytest.fixture
def app(app: Flask) -> Iterator[Flask]:
    """The application with one more page that shows a form and what it made of the answers."""

    def show() -> Any:
        schema = EVERY if "every" in request.args else CALL
        if request.method == "GET":
            return render_template_string(PAGE, form=schema, values=None, errors=(), parsed=None)
        parsed = forms.parse(schema, request.form, files=request.files)
        return render_template_string(
            PAGE, form=schema, values=parsed.typed, errors=parsed.errors, parsed=parsed
        ), 200 if parsed.ok else 422

    app.add_url_rule("/a-form", view_func=show, methods=["GET", "POST"])
    return app


def test_a_field_appears_with_the_answer_that_asks_for_it_and_is_not_sent_when_it_goes(page: Page):
    page.goto("/a-form")
    score, why = page.locator("[data-field=score]"), page.locator("[data-field=why]")
    expect(score).to_be_hidden()
    page.get_by_text("已接通", exact=True).click()
    expect(score).to_be_visible()
    expect(why).to_be_hidden()
    score.get_by_text("很不满意", exact=True).click()
    expect(why).to_be_visible()
    page.get_by_label("不满意的原因").fill("等了三天")
    page.get_by_text("无人接听").click()
    expect(why).to_be_hidden()
    page.get_by_role("button", name="提交").click()
    assert json.loads(page.locator("#values").inner_text()) == {"outcome": "no_answer"}


def test_a_refused_form_comes_back_filled_and_its_summary_leads_to_the_field(page: Page):
    page.goto("/a-form")
    page.get_by_text("已接通", exact=True).click()
    page.locator("[data-field=score]").get_by_text("很不满意", exact=True).click()
    page.get_by_label("不满意的原因").fill("慢")
    page.get_by_role("button", name="提交").click()
    summary = page.get_by_role("alert")
    expect(summary).to_contain_text("还有 1 处没填好，内容都已保留。")
    expect(page.get_by_label("不满意的原因")).to_have_value("慢")
    summary.get_by_role("link").click()
    expect(page.get_by_label("不满意的原因")).to_be_focused()
    assert page.locator("#f-why-error").inner_text() == "请至少写 4 个字。"


def test_a_customer_is_found_by_keyboard_alone(page: Page):
    people = [
        {"id": 7, "name": "赵文礼", "phone": "139****0261", "company": "陕通物流", "assets": []},
        {"id": 9, "name": "赵武", "phone": "138****1111", "company": None, "assets": []},
    ]
    page.route("**/customers/lookup?*", lambda route: route.fulfill(json={"customers": people}))
    page.goto("/a-form")
    page.get_by_text("无人接听").click()
    box = page.get_by_role("combobox", name="客户")
    box.press_sequentially("赵文")
    expect(page.get_by_role("option")).to_have_count(2)
    expect(box).to_have_attribute("aria-expanded", "true")
    box.press("ArrowDown")
    box.press("ArrowDown")
    box.press("Enter")
    expect(box).to_have_value("赵武")
    expect(page.get_by_role("listbox")).to_be_hidden()
    page.get_by_role("button", name="提交").click()
    assert json.loads(page.locator("#values").inner_text())["who"] == 9


def test_a_photo_is_sent_at_once_and_a_removed_one_is_not_kept(page: Page):
    sent: list[int] = []

    def keep(route: Route) -> None:
        sent.append(len(sent) + 41)
        route.fulfill(json=[{"id": sent[-1], "name": "x.jpg", "size": 4096}])

    page.route("**/inbox/5/attach", keep)
    page.goto("/a-form?sent")
    page.get_by_text("无人接听").click()
    files = [{"name": f"{n}.jpg", "mimeType": "image/jpeg", "buffer": b"\xff\xd8\xff"} for n in (1, 2)]
    page.locator("#f-photos").set_input_files(files)
    expect(page.locator("input[type=hidden][name=photos]")).to_have_count(2)
    page.get_by_role("button", name="移除 1.jpg").click()
    page.get_by_role("button", name="提交").click()
    assert len(json.loads(page.locator("#values").inner_text())["photos"]) == 1


def test_a_refused_photo_says_why(page: Page):
    page.route(
        "**/inbox/5/attach", lambda route: route.fulfill(status=422, json={"detail": "1.exe 不能上传。"})
    )
    page.goto("/a-form?sent")
    page.locator("#f-photos").set_input_files([{"name": "1.exe", "mimeType": "x/y", "buffer": b"x"}])
    expect(page.locator(".file--failed")).to_contain_text("1.exe 不能上传。")
    assert page.locator("#f-photos").evaluate("input => input.files.length") == 0


def test_a_photo_that_cannot_be_sent_ahead_goes_with_the_form(page: Page):
    page.route("**/inbox/5/attach", lambda route: route.fulfill(status=404, body="gone"))
    page.goto("/a-form?sent")
    photos = page.locator("#f-photos")
    for number in (1, 2, 3):
        photos.set_input_files([{"name": f"{number}.jpg", "mimeType": "image/jpeg", "buffer": b"x"}])
        expect(page.get_by_text("随表单一起提交")).to_have_count(number)
    page.get_by_role("button", name="移除 2.jpg").click()
    assert photos.evaluate("input => [...input.files].map(file => file.name)") == ["1.jpg", "3.jpg"]


def test_without_script_every_field_stands_and_says_when_it_counts(open_page: Callable[..., Page]):
    page = open_page(java_script_enabled=False)
    page.goto("/a-form")
    expect(page.locator("[data-field=why]")).to_be_visible()
    expect(page.locator("#f-score-when")).to_have_text("仅当“回访结果”为 已接通 时填写。")
    page.locator("[name=outcome][value=no_answer]").check()
    page.get_by_label("不满意的原因").fill("不要紧的话")
    page.get_by_role("button", name="提交").click()
    assert json.loads(page.locator("#values").inner_text()) == {"outcome": "no_answer"}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_widget_passes_axe_and_fits_a_phone(open_page: Callable[..., Page], theme: str):
    for viewport in (None, PHONE):
        page = open_page(
            color_scheme=theme, **({"viewport": viewport, "has_touch": True} if viewport else {})
        )
        page.goto("/a-form?every")
        page.get_by_label("数量").fill("many")
        page.get_by_role("button", name="提交").click()
        expect(page.get_by_role("alert")).to_be_visible()
        assert axe_violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        if viewport:
            heights = page.evaluate(
                "[...document.querySelectorAll('.input, .select, .option, .area, .upload__row label')]"
                ".filter(e => e.offsetParent && e.type != 'file').map(e => e.offsetHeight)"
            )
            assert min(heights) >= 44
