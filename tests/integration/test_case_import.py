"""Spreadsheets go in, whoever is killed on the way: each row once, each refusal with its reason."""

from __future__ import annotations

import csv
import io
import random
import threading

import pytest
import sqlalchemy as sa

from app import clock
from app.accounts.actor import SYSTEM
from app.cases import service as cases
from app.cases.imports import job, service
from app.cases.imports.mapping import Plan, with_choices
from app.cases.tables import Case, ImportRun
from app.customers.tables import Asset, Customer
from app.db import close_read_session, session, transaction
from app.engine.tables import Instance, WorkItem
from app.errors import StepFailed
from app.notifications.tables import Outbox
from tests.factories import desk_on
from tests.support import forked
from tests.unit.test_import_mapping import NHTSA

HEADERS = ["编号", "标题", "类别", "客户", "电话", "车牌", "时间"]
HTMX = {"HX-Request": "true"}


def sheet(*rows: tuple[str, ...], headers: list[str] = HEADERS) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows([headers, *rows])
    return out.getvalue().encode()


def row(number: int, **changes: str) -> tuple[str, ...]:
    cells = {
        "编号": f"A{number}",
        "标题": f"终端离线 {number}",
        "类别": "设备问题",
        "客户": f"客户{number}",
        "电话": f"1380013{8000 + number}",
        "车牌": f"陕AD{7000 + number}",
        "时间": "2026-03-01 09:30",
    }
    return tuple((cells | changes).values())


def vehicle_complaints(count: int) -> bytes:
    rows = [
        (str(n), str(n), "Maker", "LINCOLN", "TOWN CAR", "1994", "N", "20141222", "N", "0", "0", "STEERING",
         "MI", "20150103", "20150103", "", "1", f"THE STEERING LOCKED ON TRIP {n}, TWICE.", "EVOQ")
        for n in range(1, count + 1)
    ]  # fmt: skip
    return sheet(*rows, headers=NHTSA)


@pytest.fixture
def desk(app):
    with desk_on(app) as made:
        yield made


def take_in(content: bytes, name: str = "案件.csv", source: str | None = None) -> ImportRun:
    """Send, look over, begin and carry through an import."""
    with transaction():
        run = service.upload(name, content, actor=SYSTEM, now=clock.now())
        if source is not None:
            service.replan(run.id, with_choices(Plan.from_json(run.mapping), {}, source=source))
        service.start(run.id)
    while run.status != "done":
        run = job.run_batch(run.id, clock.now())
    return run


def counts(run: ImportRun) -> tuple[int, int, int]:
    return run.created, run.repeated, len(run.refused)


def count(column) -> int:
    close_read_session()
    return session().scalar(sa.select(sa.func.count()).select_from(column)) or 0


def test_a_hundred_vehicle_complaints_go_in_start_their_procedures_and_go_in_only_once(desk):
    content = vehicle_complaints(100)
    assert counts(take_in(content)) == (100, 0, 0)
    started = sa.select(sa.func.count()).select_from(Instance).where(Instance.status == "running")
    assert session().scalar(started.join(Case, Case.instance_id == Instance.id)) == 100
    assert count(WorkItem) == 100
    assert counts(take_in(content)) == (0, 100, 0)
    assert counts(take_in(content, "renamed.csv", source="another")) == (0, 100, 0)
    assert count(Case) == 100


def test_a_row_brings_its_customer_its_vehicle_and_its_day(desk):
    take_in(sheet(row(1)))
    case, customer, asset = (
        session()
        .execute(
            sa.select(Case, Customer, Asset)
            .join(Customer, Customer.id == Case.customer_id)
            .join(Asset, Asset.id == Case.asset_id)
        )
        .one()
    )
    assert (case.title, case.klass, case.channel) == ("终端离线 1", "device", "import")
    assert (customer.name, customer.phone, asset.plate) == ("客户1", "+8613800138001", "陕AD7001")
    assert case.received_at.isoformat() == "2026-03-01T01:30:00+00:00"


def test_nobody_is_mailed_a_receipt_for_what_they_wrote_elsewhere(desk):
    take_in(sheet(("离线", "赵文礼", "zhao@example.com"), headers=["标题", "客户", "邮箱"]))
    assert session().scalar(sa.select(Customer.email)) == "zhao@example.com"
    assert count(Outbox) == 0


def test_rows_that_do_not_fit_are_refused_with_number_column_and_reason_and_the_others_go_in(desk):
    run = take_in(sheet(row(1), row(2, 电话="12"), row(3, 类别="天气"), row(4)))
    assert counts(run) == (2, 0, 2)
    assert [(line["row"], line["column"]) for line in run.refused] == [(3, "电话"), (4, "类别")]
    assert "12" in run.refused[0]["reason"]


def test_the_same_row_twice_in_one_file_makes_one_case(desk):
    assert counts(take_in(sheet(row(1), row(1), row(2, 编号="A1")))) == (1, 2, 0)


def test_a_mended_file_brings_only_what_was_missing(desk):
    take_in(sheet(row(1), row(2, 电话="12")))
    assert counts(take_in(sheet(row(1), row(2)))) == (1, 1, 0)


def test_a_row_whose_procedure_cannot_start_is_refused_and_leaves_nothing_behind(desk, monkeypatch):
    create = cases.create

    def stumble(new, *, actor, now):
        made = create(new, actor=actor, now=now)
        if new.import_key == "A2":
            raise StepFailed("it broke")
        return made

    monkeypatch.setattr(cases, "create", stumble)
    run = take_in(sheet(row(1), row(2), row(3)))
    assert counts(run) == (2, 0, 1)
    assert run.refused[0]["row"] == 3
    assert count(Case) == 2
    assert session().scalar(sa.select(Customer.id).where(Customer.name == "客户2")) is None


def test_a_killed_import_goes_on_where_it_stood_and_makes_each_case_once(app, desk):
    with transaction():
        run = service.upload("案件.csv", sheet(*(row(n) for n in range(120))), actor=SYSTEM, now=clock.now())
        service.start(run.id)
        run_id = run.id
    chance = random.Random(11)
    close_read_session()
    for _kill in range(12):
        worker = forked.fork(app, lambda: _carry_on(run_id))
        threading.Event().wait(chance.uniform(0.02, 0.4))
        forked.kill(worker)
        found = service.get(run_id)
        assert found.created == found.position == count(Case) == count(Instance)
        close_read_session()
    while job.go_on(clock.now()):
        pass
    close_read_session()
    assert (service.get(run_id).status, service.get(run_id).created, count(Case)) == ("done", 120, 120)


def test_two_that_drive_one_import_take_turns(app, desk):
    with transaction():
        run = service.upload("案件.csv", sheet(*(row(n) for n in range(100))), actor=SYSTEM, now=clock.now())
        service.start(run.id)
        run_id = run.id
    close_read_session()
    workers = [forked.fork(app, lambda: _carry_on(run_id)) for _worker in range(2)]
    assert [forked.wait(worker) for worker in workers] == [0, 0]
    assert (service.get(run_id).created, service.get(run_id).repeated, count(Case)) == (100, 0, 100)


def _carry_on(run_id: int) -> None:
    while job.run_batch(run_id, clock.now()).status != "done":
        pass


# ---------------------------------------------------------------- pages


@pytest.fixture
def open_as(app, desk):
    app.config["WTF_CSRF_ENABLED"] = False

    def opened(username: str):
        client = app.test_client()
        assert (
            client.post("/login", data={"username": username, "password": "correct-horse"}).status_code == 303
        )
        return client

    close_read_session()
    return opened


def send(client, content: bytes, name: str = "案件.csv"):
    return client.post("/cases/import", data={"file": (io.BytesIO(content), name)})


def test_a_supervisor_sends_looks_over_mends_a_column_and_watches_it_go_in(open_as):
    client = open_as("supervisor")
    headers = ["编号", "怎么了", "联系电话"]
    content = sheet(
        *((f"A{n}", f"掉线 {n}", "13800138000") for n in range(30)), ("A30", "掉线", "12"), headers=headers
    )
    sent = send(client, content)
    assert sent.status_code == 303
    page = client.get(sent.location)
    assert "请指出哪一列是标题或描述。" in page.text
    columns = {"column-0": "key", "column-1": "title", "column-2": "customer.phone", "source": "热线"}
    assert client.post(f"{sent.location}/plan", data=columns).status_code == 303
    page = client.get(sent.location)
    assert "共 31 行：30 行将成为案件，0 行已经导入过，1 行不能导入。" in page.text
    assert "“12”不是电话号码。" in page.text
    assert "导入 30 个案件" in page.text
    client.post(f"{sent.location}/plan", data=columns | {"start": "1"})
    assert "已处理 0 / 31 行" in client.get(sent.location).text
    half = client.post(f"{sent.location}/step", headers=HTMX)
    assert "已处理 25 / 31 行" in half.text
    assert "hx-post" in half.text
    assert client.post(f"{sent.location}/step").status_code == 303
    done = client.get(sent.location)
    assert "31 行全部处理完毕。" in done.text
    assert "hx-post" not in done.text.split("<main")[1].split("</main")[0]
    assert "已完成" in client.get("/cases/import").text


def test_the_refused_rows_can_be_fetched_and_run_no_formula(open_as):
    client = open_as("supervisor")
    sent = send(client, sheet(row(1, 标题='=HYPERLINK("http://x")', 电话="@SUM(A1)")))
    client.post(f"{sent.location}/plan", data={"start": "1"})
    client.post(f"{sent.location}/step")
    fetched = client.get(f"{sent.location}/refused.csv")
    assert fetched.data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(fetched.data.decode("utf-8-sig"))))
    assert rows[0][:3] == ["行", "列", "原因"]
    assert rows[1][:2] == ["2", "电话"]
    assert '\'=HYPERLINK("http://x")' in rows[1]
    assert "'@SUM(A1)" in rows[1]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "请先选择文件。"),
        (b"a\x00b", "无法读取这个文件"),
        (b"PK\x03\x04", "已损坏"),
        (b"only\n", "没有数据"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_words(open_as, content, words):
    answer = send(open_as("supervisor"), content)
    assert answer.status_code == 422
    assert words in answer.text


def test_a_plan_that_makes_no_sense_comes_back_as_it_was_chosen(open_as):
    client = open_as("supervisor")
    sent = send(client, sheet(row(1)))
    answer = client.post(f"{sent.location}/plan", data={"column-0": "title", "source": "热线"})
    assert answer.status_code == 422
    assert "有两列都对应“标题”。" in answer.text
    assert 'value="热线"' in answer.text


def test_an_import_begins_once(open_as):
    client = open_as("supervisor")
    sent = send(client, sheet(row(1)))
    assert client.post(f"{sent.location}/plan", data={"start": "1"}).status_code == 303
    assert client.post(f"{sent.location}/plan", data={"start": "1"}).status_code == 409


def test_who_may_not_import_sees_nothing_of_it(open_as):
    client = open_as("repairpoint")
    assert client.get("/cases/import").status_code == 403
    assert send(client, sheet(row(1))).status_code == 403
    assert open_as("supervisor").get("/cases/import/999").status_code == 404


def test_the_numbers_in_a_file_are_for_its_sender_and_those_who_may_see_hidden_numbers(open_as):
    theirs = send(open_as("supervisor"), sheet(row(2)), "主管.csv").location
    manager = open_as("manager")
    for part in ("", "/refused.csv"):
        assert manager.get(theirs + part).status_code == 200
    office = open_as("office")
    own = send(office, sheet(row(1)), "内勤.csv").location
    assert office.get(own).status_code == 200
    for part in ("", "/refused.csv"):
        assert office.get(theirs + part).status_code == 404
    for verb in ("plan", "step"):
        assert office.post(f"{theirs}/{verb}", data={"start": "1"}).status_code == 404
    listed = office.get("/cases/import").text
    assert "内勤.csv" in listed and "主管.csv" not in listed


# ---------------------------------------------------------------- command


def test_the_command_imports_a_file_and_counts(app, desk, tmp_path):
    path = tmp_path / "案件.csv"
    path.write_bytes(sheet(row(1), row(2, 电话="12")))
    close_read_session()
    run = app.test_cli_runner()
    first = run.invoke(args=["cases", "import", str(path), "--as", "supervisor"])
    assert (first.exit_code, first.stdout.splitlines()[-1]) == (0, "created 1, repeated 0, refused 1")
    assert "row 3, 电话" in first.stderr
    again = run.invoke(args=["cases", "import", str(path)])
    assert again.stdout.splitlines()[-1] == "created 0, repeated 1, refused 1"


def test_the_command_takes_columns_by_hand_and_can_only_look(app, desk, tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(sheet(("1", "掉线"), headers=["n", "怎么了"]))
    close_read_session()
    run = app.test_cli_runner()
    assert run.invoke(args=["cases", "import", str(path)]).exit_code == 1
    assert run.invoke(args=["cases", "import", str(path), "--map", "x=title"]).exit_code == 2
    look = run.invoke(args=["cases", "import", str(path), "--map", "怎么了=title", "--dry-run"])
    assert look.stdout.splitlines()[-1] == "would be created 1, repeated 0, refused 0"
    with app.app_context():
        assert (count(Case), count(ImportRun)) == (0, 0)
