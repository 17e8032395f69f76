"""The designer's editor in Chromium: drawing, naming, checking, mending, publishing, and two at once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from flask import Flask
from lxml import etree
from playwright.sync_api import Page, expect

from app import clock, engine
from app.accounts.actor import SYSTEM
from app.db import close_read_session, transaction
from app.designer import queries, service
from app.engine.deploy import latest_files
from tests.factories import PASSWORD, Desk
from tests.support import foreign_files
from tests.support.browser import PHONE, axe_violations

# The check of a whole draft takes its time on a busy build machine.
expect.set_options(timeout=30_000)


@pytest.fixture
def signed_in(app: Flask, live_server, open_page) -> Callable[..., Page]:
    """Open a page as a designer of a centre with the shipped procedures."""
    with app.app_context():
        Desk(app).close()
        close_read_session()

    def open_as(username: str = "designer", **options: object) -> Page:
        page = open_page(**options)
        page.goto("/login")
        page.locator("[name=username]").fill(username)
        page.locator("[name=password]").fill(PASSWORD)
        page.locator("main button, form button.btn--primary").first.click()
        page.wait_for_url("**/procedures**")
        return page

    return open_as


def ready(page: Page) -> None:
    page.locator("[data-designer][data-ready=yes]").wait_for()


def saved(page: Page) -> None:
    expect(page.locator("[data-designer]")).to_have_attribute("data-state", "saved")


def raw(page: Page) -> str:
    text: str = page.evaluate("fetch(deskKeep.setup.raw).then(answer => answer.text())")
    return text


def opened(page: Page, key: str = "device_problem") -> str:
    """Open a procedure as a draft and return the draft's address."""
    page.goto("/designer")
    page.locator("#f-procedure").select_option(key)
    page.locator("form:has(#f-procedure) button").click()
    ready(page)
    return page.url.split("/files/")[0]


def field(page: Page, key: str):
    return page.locator(f"[data-props] [data-key='{key}']")


def test_a_designer_makes_a_procedure_from_nothing_mends_it_and_publishes(app: Flask, signed_in):
    page = signed_in()
    page.goto("/designer/new")
    page.locator("[name=name]").fill("配件申请")
    page.locator("[name=key]").fill("spare_part")
    page.get_by_label("配件发货员").check()
    page.locator("form button.btn--primary").last.click()
    ready(page)
    # A form for the step, made in the builder.
    page.locator(".dz__plus").last.click()
    page.locator("[name=title]").fill("登记配件")
    page.locator("[name=name]").fill("note_part")
    page.locator("main form button.btn--primary").click()
    ready(page)
    page.locator("[data-add]").click()
    page.locator("[data-field=question_2] input").first.fill("配件名称")
    page.keyboard.press("Tab")
    saved(page)
    expect(page.frame_locator("[data-frame]").get_by_text("配件名称")).to_be_visible()
    # A task dropped onto the way from the start to the end becomes part of it.
    page.locator("[data-leaf='complaints/spare_part.bpmn']").click()
    ready(page)
    tool = page.locator("[data-action='create.task']").bounding_box()
    way = page.locator("[data-element-id=begin__finished]").bounding_box()
    page.mouse.move(tool["x"] + 10, tool["y"] + 10)
    page.mouse.down()
    page.mouse.move(way["x"] + way["width"] / 2, way["y"] + 60, steps=6)
    page.mouse.move(way["x"] + way["width"] / 2, way["y"] + way["height"] / 2, steps=6)
    page.mouse.up()
    page.keyboard.type("登记配件")
    page.keyboard.press("Enter")
    page.locator("[data-action=replace]").click()
    page.locator("[data-id=replace-with-user-task]").click()
    expect(field(page, "name")).to_have_value("登记配件")
    field(page, "prop:formJsonSchemaFilename").select_option("complaints/note_part.json")
    field(page, "lane").select_option(label="配件发货员")
    # What cannot be read is said while one types, and marks the step once it is saved.
    field(page, "camunda:candidateGroups").fill("rolle(1)")
    expect(page.locator(".field--bad .field__said")).to_contain_text("rolle")
    page.keyboard.press("Tab")
    expect(page.locator("[data-findings] .find--error")).not_to_have_count(0)
    expect(page.locator(".dz__mark")).not_to_have_count(0)
    page.locator("[data-canvas] svg").first.click(position={"x": 300, "y": 20})
    page.locator("[data-findings] .find__name").first.click()
    field(page, "camunda:candidateGroups").fill("")
    page.keyboard.press("Tab")
    expect(page.locator("[data-findings] .find--error")).to_have_count(0)
    saved(page)
    page.locator("[data-publish]").click()
    page.locator("[name=comment]").fill("第一版")
    page.locator("main form button.btn--primary").click()
    page.wait_for_url("**/procedures/spare_part")
    with app.app_context():
        found = engine.latest_version("spare_part")
        assert found.number == 1 and "complaints/note_part.json" in latest_files()
        elements = engine.version(found.id).catalog["processes"]["spare_part"]["elements"].values()
        (step,) = [one for one in elements if one["type"] == "userTask"]
        assert (step["role"], step["form"]) == ("dispatcher", "complaints/note_part.json")


def test_undone_to_the_beginning_every_kind_of_file_is_as_it_was(signed_in):
    page = signed_in()
    home = opened(page)
    before = raw(page)
    page.locator("[data-element-id=judge]").click()
    field(page, "name").fill("判断能不能解决")
    page.keyboard.press("Tab")
    expect(page.locator("[data-leaf='complaints/device_problem.bpmn'] [data-dirty]")).to_be_visible()
    saved(page)
    assert "判断能不能解决" in raw(page)
    page.locator("[data-act=undo]").click()
    expect(page.locator("[data-leaf='complaints/device_problem.bpmn'] [data-dirty]")).to_be_hidden()
    saved(page)
    assert raw(page) == before
    page.goto(f"{home}/files/complaints/judge.json")
    ready(page)
    before = raw(page)
    page.locator("[data-add]").click()
    expect(page.locator("[data-leaf='complaints/judge.json'] [data-dirty]")).to_be_visible()
    page.locator("[data-act=undo]").click()
    expect(page.locator("[data-leaf='complaints/judge.json'] [data-dirty]")).to_be_hidden()
    saved(page)
    assert raw(page) == before


def test_a_changed_diagram_keeps_what_the_editor_does_not_show(signed_in):
    page = signed_in()
    opened(page)
    before = raw(page)
    page.locator("[data-element-id=judge]").click()
    field(page, "name").fill("判断")
    page.keyboard.press("Tab")
    expect(page.locator("[data-leaf='complaints/device_problem.bpmn'] [data-dirty]")).to_be_visible()
    saved(page)
    after = raw(page)

    def meaning(text: str) -> list[tuple[str, ...]]:
        """Every element with its attributes and text; the order of siblings is the library's.

        So is an empty label shape, which it gives to a step whose name was changed: it says nothing.
        """
        found = etree.fromstring(text.replace("判断能否解决", "判断").encode()).iter()
        return sorted(
            (one.tag, str(sorted(one.attrib.items())), (one.text or "").strip())
            for one in found
            if not (one.tag.endswith("}BPMNLabel") and not one.attrib and not len(one))
        )

    assert meaning(after) == meaning(before)
    # A copy keeps its form and scripts.
    copied = page.evaluate(
        """async () => { const get = name => deskModeler.get(name), one = get('elementRegistry').get('judge');
        get('copyPaste').copy([one]);
        const made = get('copyPaste').paste({ element: one.parent, point: { x: 700, y: 700 } });
        const task = made.filter(each => /UserTask/.test(each.type))[0].businessObject;
        return JSON.stringify(task.extensionElements.values.map(each => each.$type)); }"""
    )
    assert "properties" in copied and "postScript" in copied


def test_names_of_variables_that_the_library_takes_for_references_survive(app: Flask, signed_in):
    page = signed_in()
    draft = int(opened(page).rsplit("/", 1)[1])
    path = "complaints/device_problem.bpmn"
    many = (
        "<bpmn:multiInstanceLoopCharacteristics><bpmn:loopDataInputRef>points</bpmn:loopDataInputRef>"
        '<bpmn:inputDataItem id="point" name="point" /></bpmn:multiInstanceLoopCharacteristics>'
    )
    changed = raw(page).replace("</bpmn:userTask>", f"{many}</bpmn:userTask>", 1)
    with app.app_context(), transaction():
        service.save(draft, path, changed.encode(), revision=1, actor=SYSTEM, now=clock.now())
    page.reload()
    ready(page)
    task = page.evaluate(
        "deskModeler.get('elementRegistry').filter(one => one.businessObject.loopCharacteristics)[0].id"
    )
    page.locator(f"[data-element-id={task}]").click()
    expect(field(page, "inputs")).to_have_value("points")
    field(page, "name").fill("逐个办理")
    page.keyboard.press("Tab")
    expect(page.locator("[data-act=undo]")).to_be_enabled()
    expect(page.locator("[data-designer]")).to_have_attribute("data-state", "saved")
    page.wait_for_function(
        "fetch(deskKeep.setup.raw).then(one => one.text()).then(one => one.includes('逐个办理'))"
    )
    assert "<bpmn:loopDataInputRef>points<" in raw(page)
    # Ctrl+F looks in the drawing, not in the page.
    page.keyboard.press("Control+f")
    expect(page.locator(".djs-search-container.open")).to_be_visible()


def test_two_designers_at_one_file_are_told_and_nothing_is_lost(app: Flask, signed_in):
    page, other = signed_in(), signed_in()
    home = opened(page)
    other.goto(page.url)
    ready(other)
    for each, words in ((page, "先来的"), (other, "后来的")):
        each.locator("[data-element-id=judge]").click()
        field(each, "name").fill(words)
        each.keyboard.press("Tab")
        if each is page:
            expect(page.locator("[data-leaf][aria-current] [data-dirty]")).to_be_visible()
            saved(page)
    expect(other.locator("[data-conflict]")).to_be_visible()
    other.locator("[data-keep-copy]").click()
    expect(other.locator(".toast")).to_contain_text("草稿")
    with app.app_context():
        mine = int(home.rsplit("/", 1)[1])
        texts = {
            number: queries.file(number, "complaints/device_problem.bpmn").content.decode()
            for number in (mine, mine + 1)
        }
        assert "先来的" in texts[mine] and "后来的" in texts[mine + 1]


def test_a_decision_table_is_changed_cell_by_cell_in_chinese(signed_in):
    page = signed_in()
    home = opened(page)
    page.goto(f"{home}/files/complaints/warranty.dmn")
    ready(page)
    expect(page.get_by_text("命中策略")).to_be_visible()
    before = raw(page)
    cell = page.locator("[data-table] td.cell", has_text='"manufacturer"').first
    cell.click()
    page.keyboard.press("Control+A")
    page.keyboard.type('"maker"')
    page.locator("[data-table] td.cell", has_text="False").last.click()
    expect(page.locator("[data-leaf='complaints/warranty.dmn'] [data-dirty]")).to_be_visible()
    saved(page)
    assert '"maker"' in raw(page) and '"maker"' not in before


def test_on_a_phone_a_draft_can_be_read_in_english_but_not_drawn(signed_in):
    home = opened(signed_in())
    page = signed_in(viewport=PHONE, locale="en-GB", has_touch=True)
    page.goto(f"{home}/files/complaints/device_problem.bpmn")
    ready(page)
    expect(page.get_by_text("draw on a computer")).to_be_visible()
    expect(page.locator(".djs-palette")).to_be_hidden()
    expect(page.locator(".bjs-powered-by")).to_be_visible()
    page.locator("[data-element-id=judge]").tap()
    expect(field(page, "name")).to_be_disabled()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_the_modelers_say_nothing_that_is_not_in_chinese_too(signed_in):
    page = signed_in()
    opened(page)
    titles = page.locator(".djs-palette [title]").evaluate_all("all => all.map(one => one.title)")
    page.locator("[data-element-id=judge]").click()
    page.locator("[data-action=replace]").click()
    titles += page.locator(".djs-popup [title], .djs-popup-label").evaluate_all(
        "all => all.map(one => one.title || one.textContent)"
    )
    titles += page.locator(".djs-context-pad [title]").evaluate_all("all => all.map(one => one.title)")
    assert len(titles) > 20
    assert [one for one in titles if one.strip() and not re.search("[\u4e00-\u9fff]", one)] == []


def test_another_editors_file_is_mended_in_the_draft_with_both_drawings_beside_each_other(signed_in, tmp_path):
    file = tmp_path / "choice.bpmn"
    file.write_bytes(dict(foreign_files.foreign())["camunda8_choice.bpmn"])
    page = signed_in()
    opened(page)
    page.locator(".dz__bar details summary").click()
    page.set_input_files("#f-file", str(file))
    page.locator(".dz__replace button").click()
    ready(page)
    page.locator("[data-mend]").click()
    expect(page.locator("[data-compare]")).to_have_attribute("data-ready", "yes")
    expect(page.locator(".compare .is-changed").first).to_be_visible()
    page.locator("[data-mark=a]").click()
    expect(page.locator(".compare [data-element-id=a].is-pointed")).to_have_count(2)
    assert axe_violations(page) == []
    # Who does it is left alone this time.
    page.locator("[type=checkbox][value=assignments]").uncheck()
    page.locator("form[method=get] button").click()
    expect(page.locator("main .vers__i")).to_have_count(2)
    page.locator("form[method=post] button.btn--primary").click()
    ready(page)
    expect(page.locator("[data-findings]")).not_to_contain_text("invalid syntax")
    expect(page.locator("[data-mend]")).to_be_visible()
    expect(page.locator("[data-findings] .find--error")).not_to_have_count(0)


def test_tokens_are_tried_out_on_the_drawing_and_nothing_of_it_is_kept(signed_in):
    page = signed_in()
    opened(page, "device_problem")
    before = raw(page)
    page.get_by_role("button", name="模拟", exact=True).click()
    expect(page.locator("[data-sim]")).to_be_visible()
    expect(page.locator("[data-props]")).to_be_hidden()
    # Nothing can be drawn while tokens run.
    expect(page.locator(".djs-palette")).to_be_hidden()
    page.locator(".bts-context-pad[title='让它发生']").first.click()
    page.locator(".bts-entry[title='显示或收起模拟记录']").click()
    expect(page.locator(".bts-log .bts-text").first).to_have_text("流程已开始")
    # Every word of the library that can be seen or is read out has become Chinese.
    said = page.locator("[class*=bts-]").evaluate_all("all => all.map(one => one.title || '').filter(Boolean)")
    assert [words for words in said if re.fullmatch(r"[A-Za-z /=]+", words)] == []
    assert axe_violations(page) == []
    page.get_by_role("button", name="结束模拟").click()
    expect(page.locator("[data-props]")).to_be_visible()
    expect(page.locator(".djs-palette")).to_be_visible()
    assert raw(page) == before
    assert page.evaluate("deskModeler.get('commandStack').canUndo()") is False


def test_what_is_typed_into_one_field_after_another_of_a_form_is_all_kept(signed_in):
    page = signed_in()
    home = opened(page, "device_problem")
    page.goto(f"{home}/add?kind=form")
    page.locator("[name=title]").fill("登记配件")
    page.locator("[name=name]").fill("ask_part")
    page.locator("main form button.btn--primary").click()
    ready(page)
    page.locator("[data-add]").click()
    page.keyboard.type("件数")  # the new question's words are chosen, to be written over
    card = page.locator("[data-field=question_2]")
    for label, words in (("问题（英文）", "How many"), ("说明（英文）", "Of each kind")):
        card.get_by_label(label).click()
        page.keyboard.type(words)
    card.get_by_label("字段名").click()
    page.keyboard.press("Control+A")
    page.keyboard.type("amount")
    # Renaming draws the card anew, while the next field is being typed into already.
    card.get_by_label("说明（中文）").click()
    page.keyboard.type("每种")
    page.locator("[data-field=amount]").get_by_label("说明（英文）").click()
    page.keyboard.type("Of each kind")
    page.keyboard.press("Tab")
    saved(page)
    page.wait_for_function("fetch(deskKeep.setup.raw).then(one => one.text()).then(one => one.includes('每种'))")
    form = json.loads(raw(page))
    assert form["properties"]["amount"]["title"] == "件数"
    assert form["properties"]["amount"]["x-help"] == "每种"
    assert form["x-en"]["件数"] == "How many" and form["x-en"]["每种"] == "Of each kind"
