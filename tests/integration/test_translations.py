"""Everything is said in both languages: a missing translation fails here."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import polib
import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from flask import Flask
from flask.testing import FlaskClient
from lxml import etree

from app import clock
from app.accounts.actor import SYSTEM
from app.db import close_read_session, transaction
from app.designer import service as designer
from app.settings import ROOT
from tests.factories import PASSWORD, Desk

CHINESE = re.compile("[\u4e00-\u9fff]")
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]")
KEYWORDS = {
    "_": None, "gettext": None, "ngettext": (1, 2), "_l": None, "lazy_gettext": None, "_n": (1, 2),
    "lazy_ngettext": (1, 2), "pgettext": ((1, "c"), 2),
}  # fmt: skip
# Names are what they are; a person's or a repair point's has an English form in the database.
BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"


def catalogue(language: str) -> dict[str, polib.POEntry]:
    """Return the entries that the application really uses: those of the compiled file."""
    folder = ROOT / "app" / "translations" / language / "LC_MESSAGES"
    return {entry.msgid: entry for entry in polib.mofile(str(folder / "messages.mo"))}


def texts_of_code() -> set[str | tuple[str, str]]:
    """Return every text in code and templates that is to be translated, as `pybabel extract` sees it."""
    with (ROOT / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)
    found = extract_from_dir(str(ROOT), methods, options, keywords=KEYWORDS)
    texts = {message if isinstance(message, str) else message[:2] for _file, _line, message, *_rest in found}
    return {text for text in texts if text}


def texts_of_files() -> dict[str, str]:
    """Return the Chinese texts of diagrams, tables and forms that people see, each with a file it is in."""
    found: dict[str, str] = {}

    def note(text: str | None, path: Path) -> None:
        if text and CHINESE.search(text):
            found.setdefault(text.strip(), path.name)

    for path in [*ROOT.glob("bpmn/**/*.bpmn"), *ROOT.glob("bpmn/**/*.dmn")]:
        for element in etree.parse(path).iter():
            note(element.get("name"), path)
            note(element.get("label"), path)
            if isinstance(element.tag, str) and element.tag == f"{BPMN}text":
                note(element.text, path)
    for path in ROOT.glob("forms/**/*.json"):
        walk(json.loads(path.read_text("utf-8")), lambda text, path=path: note(text, path))
    return found


def walk(value: object, tell) -> None:
    """Tell every text that a form shows: titles, helps, buttons, choices."""
    if isinstance(value, list):
        for one in value:
            walk(one, tell)
    elif isinstance(value, dict):
        for key, one in value.items():
            if key in (
                "title",
                "description",
                "x-help",
                "x-submit",
                "x-unit",
                "x-placeholder",
            ) and isinstance(one, str):
                tell(one)
            elif key == "enum":
                for text in one:
                    tell(text if isinstance(text, str) else None)
            else:
                walk(one, tell)


def test_every_text_of_the_interface_is_said_in_chinese():
    chinese, missing = catalogue("zh"), []
    for text in texts_of_code():
        singular = text if isinstance(text, str) else text[0]
        if CHINESE.search(singular):
            continue
        entry = chinese.get(singular)
        said = entry and (entry.msgstr or entry.msgstr_plural.get(0))
        if not said or (not isinstance(text, str) and not entry.msgid_plural):
            missing.append(text)
    assert missing == []


def test_every_text_of_diagrams_tables_and_forms_is_said_in_english():
    english = catalogue("en")
    missing = {
        text: file
        for text, file in texts_of_files().items()
        if text not in english or not english[text].msgstr
    }
    assert missing == {}


def test_chinese_in_the_code_that_people_see_is_said_in_english():
    english = catalogue("en")
    texts = [text if isinstance(text, str) else text[0] for text in texts_of_code()]
    assert [text for text in texts if CHINESE.search(text) and text not in english] == []


@pytest.mark.parametrize("language", ["zh", "en"])
def test_translations_keep_their_placeholders(language: str):
    wrong = []
    for entry in catalogue(language).values():
        wanted = {*PLACEHOLDER.findall(entry.msgid), *PLACEHOLDER.findall(entry.msgid_plural or "")}
        for said in [entry.msgstr, *entry.msgstr_plural.values()]:
            # A plural may leave its number out: "One case".
            if said and not set(PLACEHOLDER.findall(said)) <= wanted | {"num"}:
                wrong.append((entry.msgid, said))
        if entry.msgstr and set(PLACEHOLDER.findall(entry.msgstr)) != wanted:
            wrong.append((entry.msgid, entry.msgstr))
    assert wrong == []


def test_english_is_english_and_chinese_is_chinese():
    assert [
        one.msgid for one in catalogue("en").values() if CHINESE.search(one.msgstr.replace("中文", ""))
    ] == []
    halves = re.compile("[\u4e00-\u9fff][,;:!?]|[,;!?][\u4e00-\u9fff]")
    assert [one.msgstr for one in catalogue("zh").values() if halves.search(one.msgstr)] == []


# ---------------------------------------------------------------- pages

# Customers' words and the names of people stay as they are; everything of the desk's own is marked here.
WORDS = {
    "title": "Terminal drops offline",
    "description": "Every half hour on the motorway",
    "customer": {"name": "Zhao Wenli", "phone": "13900000261"},
    "asset": {"plate": "SA-D7182", "serial": "HX4-2210917"},
}


@pytest.fixture
def centre(app: Flask) -> Iterator[dict[str, object]]:
    """A centre whose customers write English: any Chinese on an English page is then the desk's."""
    with app.app_context():
        desk = Desk(app)
        case = desk.receive(**WORDS)
        items = {"fresh": desk.receive(**WORDS).item("register").id}
        texts = {"analysis": "firmware", "words": "fine", "work": "updated", "explanation": "done"}
        case.analyse("device", analysis=texts["analysis"])
        for element, values in (
            ("judge", {}), ("analyse_cause", {"in_warranty": False}), ("inform", {"consent": True}), ("contact", {}),
        ):  # fmt: skip
            items[element] = case.do(element, **values).id
        late = desk.receive(**WORDS)
        items["repair"] = case.do("repair", work="updated").id
        case.call(words="fine")
        items["archive"] = case.do("archive", new_title="Update", new_solution="Update it").id
        platform = desk.receive(**WORDS).analyse("platform", analysis="look")
        platform.do("judge", can_solve=False)
        platform.do("refer", request="look please")
        items["solve"] = platform.item("solve").id
        other = desk.receive(**WORDS).analyse("other", analysis="renewal", other_type="renew")
        items["guide"] = other.item(other.open[0]).id
        found = {f"item_{name}": item_id for name, item_id in items.items()} | {
            "case": case.row.number,
            "late": late.row.number,
            "other": other.row.number,
            "customer": case.row.customer_id,
            "instance": platform.row.instance_id,
        }
        with transaction():
            found["draft"] = designer.open_version("device_problem", actor=SYSTEM, now=clock.now()).id
        close_read_session()
    yield found
    with app.app_context():
        desk.close()


PAGES = {
    "manager": (
        "/inbox", "/inbox?scope=all", "/inbox/{item_fresh}", "/inbox/{item_judge}", "/inbox/{item_analyse_cause}",
        "/inbox/{item_inform}", "/inbox/{item_contact}", "/inbox/{item_repair}", "/inbox/{item_archive}",
        "/inbox/{item_solve}", "/inbox/{item_guide}", "/cases", "/cases/{case}", "/cases/{late}", "/cases/{other}",
        "/callbacks", "/customers", "/customers/{customer}", "/notifications", "/settings", "/me", "/help/keys",
        "/settings/password",
    ),
    "agent": ("/inbox", "/inbox/{item_fresh}", "/cases/new", "/customers/new"),
    "supervisor": ("/cases/import",),
    "designer": (
        "/procedures", "/procedures/customer_issue", "/procedures/device_problem", "/procedures/callback",
        "/procedures/upload", "/designer", "/designer/new", "/designer/{draft}/add",
        "/designer/{draft}/publish", "/designer/{draft}/files/complaints/allowance.dmn",
        "/designer/{draft}/files/complaints/judge.json", "/designer/{draft}/files/complaints/device_problem.bpmn",
    ),
    "operator": ("/procedures/incidents", "/procedures/instances", "/procedures/instances/{instance}"),
    "admin": ("/admin/users", "/admin/users/new", "/admin/organisation", "/admin/outbox"),
}  # fmt: skip


def shown_text(page: str) -> list[str]:
    """Return what a page shows or reads out, text by text."""
    tree = etree.HTML(page)
    for hidden in tree.xpath(
        "//script | //style | //textarea | //body//*[starts-with(@lang, 'zh')] | //option[.='中文']"
    ):
        parent = hidden.getparent()
        if hidden.tail:
            before = hidden.getprevious()
            if before is not None:
                before.tail = (before.tail or "") + hidden.tail
            else:
                parent.text = (parent.text or "") + hidden.tail
        parent.remove(hidden)
    said = tree.xpath("//text() | //@aria-label | //@title | //@placeholder | //@alt")
    return [text.strip() for text in said if text.strip()]


@pytest.mark.sqlite_only  # what is shown does not depend on the database
@pytest.mark.parametrize("username", PAGES)
def test_no_page_in_english_shows_chinese(
    client: FlaskClient, centre: dict[str, object], username: str, app: Flask
):
    english = {"Accept-Language": "en-GB"}
    client.post("/login", data={"username": username, "password": PASSWORD}, headers=english)
    foreign = []
    forms = [path.relative_to(ROOT / "forms") for path in ROOT.glob("forms/complaints/*.json")]
    # A regular call is a procedure of its own; all other forms belong to a case's.
    roots = {form: "regular_call" if form.stem == "regular_call" else "customer_issue" for form in forms}
    previews = [f"/procedures/{root}/versions/1/forms/{form}" for form, root in roots.items()]
    for address in (*PAGES[username], *(previews if username == "designer" else ())):
        page = client.get(address.format(**centre), headers=english)
        assert page.status_code == 200, address
        foreign += [f"{address}: {text}" for text in shown_text(page.text) if CHINESE.search(text)]
    assert foreign == []


@pytest.mark.sqlite_only
@pytest.mark.parametrize("address", ["/login", "/report", "/track", "/no-such-page"])
def test_no_public_page_in_english_shows_chinese(client: FlaskClient, address: str):
    page = client.get(address, headers={"Accept-Language": "en-GB"})
    assert [text for text in shown_text(page.text) if CHINESE.search(text)] == []


@pytest.mark.sqlite_only
def test_the_account_decides_before_the_browser(client: FlaskClient, centre: dict[str, object]):
    client.post("/login", data={"username": "agent", "password": PASSWORD})
    client.post("/preferences", data={"locale": "en"})
    page = client.get("/inbox", headers={"Accept-Language": "zh-CN"})
    assert 'lang="en"' in page.text
