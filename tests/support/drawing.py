"""The designer's editor by mouse and keyboard: what a person does to draw a procedure."""

from __future__ import annotations

from playwright.sync_api import Page, expect


def ready(page: Page) -> None:
    page.locator("[data-designer][data-ready=yes]").wait_for()


def field(page: Page, key: str):
    return page.locator(f"[data-props] [data-key='{key}']")


def fill(page: Page, key: str, words: str) -> None:
    field(page, key).fill(words)
    page.keyboard.press("Tab")


def saved(page: Page) -> None:
    expect(page.locator("[data-designer]")).to_have_attribute("data-state", "saved")


def add_file(page: Page, kind: str, title: str, name: str) -> None:
    page.locator(".dz__plus").last.click()
    page.locator(f"[name=kind][value={kind}]").check()
    page.locator("[name=title]").fill(title)
    page.locator("[name=name]").fill(name)
    page.locator("main form button.btn--primary").click()
    ready(page)


def select(page: Page, element: str) -> None:
    """Click until an element is selected with its tools open; a click on a selected one lets it go."""
    chosen = f"(deskModeler.get('selection').get()[0] || {{}}).id === '{element}'"
    for _try in range(4):
        if page.evaluate(chosen) and page.locator(".djs-context-pad.open").count():
            return
        # At its corner: tools of what is selected lie over what is to the right of it, flows end in the middle.
        box = page.locator(f"[data-element-id={element}]").first.bounding_box()
        page.mouse.click(box["x"] + 8, box["y"] + 8)
        # The tools open at the next frame.
        page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    raise AssertionError(f"{element} cannot be selected")


def append(
    page: Page, source: str, tool: str, element: str, name: str, *, kind: str = "", lane: str = ""
) -> None:
    """Hang a new element behind another one, name it, say what it is, who does it and its id."""
    select(page, source)
    page.locator(f".djs-context-pad [data-action='append.{tool}']").click()
    page.wait_for_function("one => (deskModeler.get('selection').get()[0] || {}).id !== one", arg=source)
    if tool == "append-task":  # its name is written where it stands
        expect(page.locator(".djs-direct-editing-parent")).to_be_visible()
        page.keyboard.type(name)
        page.keyboard.press("Enter")
        expect(field(page, "name")).to_have_value(name)
    else:
        fill(page, "name", name)
    if kind:
        page.locator(".djs-context-pad [data-action=replace]").click()
        page.locator(f".djs-popup [data-id={kind}]").click()
        expect(page.locator(".djs-popup")).to_have_count(0)
    if lane:
        field(page, "lane").select_option(label=lane)
    fill(page, "id", element)
    page.locator(f"[data-element-id={element}]").first.wait_for()


def connect(page: Page, source: str, target: str) -> None:
    select(page, source)
    page.locator(".djs-context-pad [data-action=connect]").click()
    page.locator(f"[data-element-id={target}]").first.click()
    page.wait_for_function(
        "([a, b]) => deskModeler.get('elementRegistry').get(a).outgoing.some(one => one.target.id === b)",
        arg=[source, target],
    )


def flow(page: Page, source: str, target: str) -> str:
    found: str = page.evaluate(
        "([a, b]) => deskModeler.get('elementRegistry').get(a).outgoing.filter(one => one.target.id === b)[0].id",
        [source, target],
    )
    return found


def remove_flow(page: Page, id: str) -> None:
    way = page.locator(f"[data-element-id={id}]").bounding_box()
    page.mouse.click(way["x"] + way["width"] / 2, way["y"] + way["height"] / 2)
    page.wait_for_function("one => (deskModeler.get('selection').get()[0] || {}).id === one", arg=id)
    page.keyboard.press("Delete")
    expect(page.locator(f"[data-element-id={id}]")).to_have_count(0)
