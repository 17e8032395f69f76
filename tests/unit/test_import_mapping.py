"""Spreadsheets are read whatever wrote them; columns are guessed; each row becomes a case or a reason."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from app.cases.imports import mapping, reading
from app.cases.imports.mapping import Plan, RowRefused, check_plan, guess, new_case
from app.errors import Invalid

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
NHTSA = [
    "CMPLID", "ODINO", "MFR_NAME", "MAKETXT", "MODELTXT", "YEARTXT", "CRASH", "FAILDATE", "FIRE", "INJURED",
    "DEATHS", "COMPDESC", "STATE", "DATEA", "LDATE", "MILES", "OCCURENCES", "CDESCR", "CMPL_TYPE",
]  # fmt: skip
CSV = "编号,标题,客户,电话\n1,终端离线,赵文礼,13800138000\n"


def xlsx(*rows: tuple[object, ...], **parts: bytes) -> bytes:
    book, out = Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(list(row))
    book.save(out)
    return out.getvalue()


def make(headers: list[str], cells: list[str], plan: Plan | None = None):
    return new_case(headers, cells, plan or guess(headers), NOW)


# ---------------------------------------------------------------- reading


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
def test_a_csv_is_read_in_the_encodings_that_offices_write(encoding):
    sheet = reading.read("案件.csv", CSV.encode(encoding))
    assert sheet.headers == ["编号", "标题", "客户", "电话"]
    assert sheet.rows == [(2, ["1", "终端离线", "赵文礼", "13800138000"])]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_csv_is_read_with_the_separator_it_has(delimiter):
    assert reading.read("a.csv", f"a{delimiter}b\n1{delimiter}2".encode()).rows == [(2, ["1", "2"])]


def test_rows_are_counted_as_the_spreadsheet_counts_them_and_blank_ones_dropped():
    sheet = reading.read("a.csv", b"\n\na,b\n1,2\n,\n\n3")
    assert (sheet.headers, sheet.rows) == (["a", "b"], [(4, ["1", "2"]), (7, ["3", ""])])


def test_a_cell_may_have_lines_and_quotes():
    assert reading.read("a.csv", b'a,b\r\n"one\r\ntwo","say ""hi"""').rows == [(2, ["one\ntwo", 'say "hi"'])]


def test_an_excel_file_gives_cells_as_one_would_type_them():
    content = xlsx(
        ("编号", "电话", "日期", "时间", "是", "数"),
        (1, 13800138000, date(2026, 10, 8), datetime(2026, 10, 8, 15, 5), True, 1.5),
    )
    assert reading.read("a.xlsx", content).rows == [
        (2, ["1", "13800138000", "2026-10-08", "2026-10-08 15:05", "yes", "1.5"])
    ]


def test_a_formula_is_not_computed():
    assert reading.read("a.xlsx", xlsx(("a", "b"), ("=1+1", "x"))).rows == [(2, ["", "x"])]


def test_an_excel_file_that_would_unpack_to_a_mountain_is_refused(monkeypatch):
    monkeypatch.setattr(reading, "MOST_UNPACKED", 1000)
    with pytest.raises(Invalid, match="too large"):
        reading.read("a.xlsx", xlsx(("a",), ("b",)))


def test_an_excel_file_with_a_doctype_is_refused():
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(xlsx(("a",), ("b",)))) as packed, zipfile.ZipFile(changed, "w") as out:
        for part in packed.namelist():
            evil = (
                b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e "boom">]>'
                if part.endswith("sheet1.xml")
                else b""
            )
            out.writestr(part, evil + packed.read(part))
    with pytest.raises(Invalid):
        reading.read("a.xlsx", changed.getvalue())


@pytest.mark.parametrize(
    "content",
    [
        b"\xd0\xcf\x11\xe0old excel",
        b"PK\x03\x04broken",
        b"\xff\xd8\xff\x00\x10JFIF\x00",
        b"only,headers",
        b"\n\n",
        b"a\x00b",
    ],
)
def test_what_is_no_spreadsheet_is_said_in_words(content):
    with pytest.raises(Invalid) as refused:
        reading.read("a", content)
    assert str(refused.value).endswith(".")


def test_a_spreadsheet_has_an_end(monkeypatch):
    monkeypatch.setattr(reading, "MOST_ROWS", 3)
    with pytest.raises(Invalid, match="3 rows"):
        reading.read("a.csv", b"a\n" + b"1\n" * 4)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300) | st.binary(max_size=200).map(lambda tail: b"PK\x03\x04" + tail))
def test_whatever_is_sent_is_read_or_refused_in_words(content):
    try:
        sheet = reading.read("a", content)
    except Invalid:
        return
    assert all(len(cells) == len(sheet.headers) for _number, cells in sheet.rows)


# ---------------------------------------------------------------- guessing


def test_chinese_columns_are_recognised():
    headers = [
        "工单编号",
        "问题类别",
        "紧急程度",
        "客户姓名",
        "联系电话（必填）",
        "车牌号",
        "问题描述",
        "登记时间",
        "颜色",
    ]
    assert guess(headers).columns == (
        "key", "class", "severity", "customer.name", "customer.phone", "asset.plate", "description",
        "received_at", "",
    )  # fmt: skip


def test_english_columns_are_recognised():
    headers = [
        "Ticket ID",
        "Subject",
        "Description",
        "Phone number",
        "Licence plate",
        "Serial-Number",
        "Severity",
    ]
    assert guess(headers).columns == (
        "key", "title", "description", "customer.phone", "asset.plate", "asset.serial", "severity",
    )  # fmt: skip


def test_the_columns_of_the_vehicle_complaints_are_recognised():
    taken = dict(zip(NHTSA, guess(NHTSA).columns, strict=True))
    assert taken["CMPLID"] == "key"
    assert taken["COMPDESC"] == "title"
    assert taken["CDESCR"] == "description"
    assert taken["DATEA"] == "received_at"
    assert (taken["MAKETXT"], taken["MODELTXT"]) == ("asset.make", "asset.model")
    assert check_plan(guess(NHTSA)) is None


def test_of_two_columns_that_mean_the_same_the_first_is_taken():
    assert guess(["标题", "主题", "描述", "备注", "年款"]).columns == (
        "title",
        "",
        "description",
        "detail",
        "detail",
    )


def test_spreadsheets_of_one_layout_have_one_source():
    assert (
        guess(["编号", "标题"]).source == guess([" 编号 ", "标题"]).source != guess(["编号", "主题"]).source
    )


@pytest.mark.parametrize(
    ("columns", "source", "defaults"),
    [
        (("key", ""), "x", {}),
        (("title", "title"), "x", {}),
        (("title", "password"), "x", {}),
        (("title", ""), " ", {}),
        (("title", ""), "x", {"class": "ghost"}),
    ],
)
def test_a_plan_that_cannot_be_carried_out_is_said(columns, source, defaults):
    assert check_plan(Plan(columns, source, defaults))


# ---------------------------------------------------------------- one row


def test_a_row_becomes_a_case():
    headers = [
        "编号",
        "标题",
        "描述",
        "类别",
        "紧急程度",
        "渠道",
        "客户",
        "电话",
        "车牌",
        "型号",
        "时间",
        "备注",
    ]
    cells = [
        "A7",
        "终端离线",
        "每半小时掉线",
        "设备问题",
        "紧急",
        "电话",
        "赵文礼",
        "138 0013 8000",
        "陕A·D7182",
        "G4",
        "2026/3/1 9:30",
        "夜间",
    ]
    new = make(headers, cells)
    assert (new.title, new.description) == ("终端离线", "每半小时掉线\n\n备注: 夜间")
    assert (new.klass, new.severity, new.channel, new.kind) == ("device", "critical", "phone", "complaint")
    assert new.customer == {"name": "赵文礼", "phone": "+8613800138000"}
    assert new.asset == {"plate": "陕A·D7182", "model": "G4"}
    assert new.received_at == datetime(2026, 3, 1, 1, 30, tzinfo=UTC)
    assert new.import_key == "A7"


def test_a_row_without_a_title_takes_the_first_sentence():
    assert make(["描述"], ["终端离线。每半小时一次。"]).title == "终端离线"
    assert make(["description"], ["BRAKES FAIL. TWICE."]).title == "BRAKES FAIL"
    assert len(make(["描述"], ["长" * 300]).title) == 60


def test_a_long_title_is_cut_and_kept_whole_in_the_description():
    new = make(["标题"], ["长" * 300])
    assert len(new.title) == 200
    assert new.description == "长" * 300


def test_what_cannot_be_filed_under_anybody_stays_readable():
    new = make(["标题", "地区", "品牌"], ["离线", "陕西", "重汽"])
    assert (new.customer, new.asset) == ({}, {})
    assert new.description == "地区: 陕西\n品牌: 重汽"


def test_a_phone_number_alone_makes_a_customer():
    assert make(["标题", "电话"], ["离线", "13800138000"]).customer["name"] == "Customer 8000"


def test_rows_that_do_not_say_take_the_defaults():
    headers = ["标题", "类别"]
    plan = mapping.with_choices(guess(headers), {}, defaults={"class": "device"})
    assert make(headers, ["离线", ""], plan).klass == "device"
    assert make(headers, ["离线", "平台"], plan).klass == "platform"


def test_a_row_without_a_number_is_known_by_its_content():
    one, same, other = (make(["标题"], [title]).import_key for title in ("离线", "离线", "黑屏"))
    assert one == same != other


@pytest.mark.parametrize(
    ("header", "cell", "column", "word"),
    [
        ("电话", "12", "电话", "phone"),
        ("类别", "天气", "类别", "平台"),
        ("时间", "去年", "时间", "day"),
        ("时间", "2099-01-01", "时间", "future"),
        ("客户", "长" * 81, "客户", "80"),
        ("安装日期", "2026-02-30", "安装日期", "day"),
        ("描述", "长" * 9000, "", "8000"),
    ],
)
def test_a_row_that_does_not_fit_is_refused_with_its_column_and_reason(header, cell, column, word):
    with pytest.raises(RowRefused) as refused:
        make(["标题", header], ["离线", cell])
    assert refused.value.column == column
    assert word in refused.value.reason


def test_a_row_without_any_words_is_refused():
    with pytest.raises(RowRefused, match="title"):
        make(["标题", "编号"], ["", "7"])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(max_size=30), min_size=19, max_size=19))
def test_any_row_becomes_a_case_or_a_reason(cells):
    try:
        assert make(NHTSA, cells).title
    except RowRefused as refused:
        assert refused.reason
