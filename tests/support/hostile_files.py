"""Files that mean harm: entities, depth, size, expressions that reach out, loops without end."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tests.support.engine_files import HEAD, flow, lane, line, process, table, user_task

BOMB = "".join("<!ENTITY l{} '{}'>".format(n, f"&l{n - 1};" * 10) for n in range(1, 10))
EXPRESSIONS = (
    "__import__('os').system('id')",
    "().__class__.__bases__[0].__subclasses__()",
    "klass.__class__",
    "(lambda: 1)()",
    "[x for x in klass]",
    "open('/etc/passwd')",
    "eval('1')",
    "9**9**9**9",
    "10 << 10**9",
    "'a' * 10**9",
    "[0] * 10**9",
    "f'{klass.__class__}'",
    "9" * 5_000,
    "-" * 900 + "1",
    "(" * 400 + "1" + ")" * 400,
    "not " * 240 + "1",
    '"' + "x" * 2_000 + '"',
    "\x1b[2J",
    "klass; import os",
    "exec('x')",
    "klass.items()",
    "globals()",
    "yield 1",
    "await x",
    "print(1)",
    "{**klass}",
    "int('9' * 9999)",
)


def hostile_xml() -> Iterator[tuple[str, bytes]]:
    """Yield (name, content) of files that attack whoever reads them."""
    inside = process(line(ids=())).decode()

    def with_type(doctype: str, body: str = inside, encoding: str = "utf-8") -> bytes:
        return f'<?xml version="1.0" encoding="{encoding}"?>{doctype}{body}'.encode(encoding)

    laughs = f'<!DOCTYPE d [<!ENTITY l0 "lol">{BOMB}]>'
    yield "laughs.bpmn", with_type(laughs, inside.replace('name="p"', 'name="&l9;"'))
    yield "laughs.dmn", with_type(laughs, "<definitions>&l9;</definitions>")
    yield "laughs_utf16.bpmn", with_type(laughs, "<d>&l9;</d>", "utf-16")
    yield "laughs_ebcdic.bpmn", with_type(laughs, "<d>&l9;</d>", "cp037")
    yield (
        "quadratic.bpmn",
        with_type(f"<!DOCTYPE d [<!ENTITY a '{'a' * 100_000}'>]>", f"<d>{'&a;' * 20_000}</d>"),
    )
    yield "external.bpmn", with_type('<!DOCTYPE d [<!ENTITY f SYSTEM "file:///etc/passwd">]>', "<d>&f;</d>")
    yield (
        "parameter.bpmn",
        with_type('<!DOCTYPE d [<!ENTITY % p SYSTEM "http://127.0.0.1:1/x"> %p;]>', "<d/>"),
    )
    yield "subset.bpmn", with_type('<!DOCTYPE d SYSTEM "http://127.0.0.1:1/x.dtd">', "<d/>")
    yield "only_declared.bpmn", with_type('<!DOCTYPE d [<!ENTITY a "b">]>')
    yield "deep.bpmn", b"<a>" * 100_000
    yield "deep_closed.bpmn", b"<a>" * 50_000 + b"</a>" * 50_000
    yield "deep_bpmn.bpmn", HEAD.encode() + b"<bpmn:subProcess>" * 5_000
    yield "large.bpmn", b"<a>" + b"x" * 5_100_000 + b"</a>"
    yield "large_zeros.bpmn", b"\0" * 5_100_000
    attributes = " ".join(f"a{n}='1'" for n in range(60_000))
    yield "attributes.bpmn", f"<a {attributes}/>".encode()
    spaces = " ".join(f"xmlns:n{n}='u{n}'" for n in range(20_000))
    yield "spaces.bpmn", f"<a {spaces}/>".encode()
    yield "long_name.bpmn", b"<" + b"a" * 1_000_000 + b"/>"
    yield "null.bpmn", b"<a>&#0;</a>"
    yield "comment.bpmn", b"<!--" + b"-" * 1_000_000
    yield "cdata.bpmn", b"<a><![CDATA[" + b"]" * 1_000_000
    yield (
        "include.bpmn",
        b'<x xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="/etc/passwd"/></x>',
    )
    yield "style.bpmn", b'<?xml-stylesheet href="http://127.0.0.1:1/x.xsl"?><x/>'
    yield "random.bpmn", bytes(range(256)) * 1_000
    yield "zip.bpmn", b"PK\x03\x04" + bytes(5_000)
    yield "page.bpmn", b"<!doctype html><html><script>alert(1)</script></html>"


def hostile_forms() -> Iterator[tuple[str, bytes]]:
    """Yield forms that attack whoever reads them."""
    yield "deep.json", b"[" * 100_000
    yield "deep_closed.json", b'{"a":' * 20_000 + b"1" + b"}" * 20_000
    yield "number.json", b'{"type": "object", "x": ' + b"9" * 100_000 + b"}"
    yield "twice.json", b'{"type": "object", "type": "object"}'
    yield "gbk.json", '{"type": "object", "title": "登记"}'.encode("gbk")
    yield "utf16.json", '{"type": "object", "properties": {}}'.encode("utf-16")
    yield (
        "pattern.json",
        json.dumps({"type": "object", "properties": {"a": {"type": "string", "pattern": "(a+)+$"}}}).encode(),
    )
    yield "reference.json", json.dumps({"type": "object", "$ref": "http://127.0.0.1:1/x"}).encode()
    yield "itself.json", json.dumps({"type": "object", "properties": {"a": {"$ref": "#"}}}).encode()
    yield "list.json", b'{"type": "object", "properties": []}'
    yield "null.json", b'{"type": "object", "properties": {"a": null}, "required": [1, {}]}'
    yield (
        "words.json",
        b'{"type": "object", "properties": {"a": {"x-name": {}, "x-when": [[[]]]}}, "x-context": 7}',
    )


def hostile_diagrams() -> Iterator[tuple[str, bytes]]:
    """Yield diagrams and tables that are well-formed and mean harm."""
    for number, text in enumerate(EXPRESSIONS):
        safe = text.replace("&", "&amp;").replace("<", "&lt;").replace("\x1b", "?")
        script = f'<bpmn:scriptTask id="x"><bpmn:script>y = {safe}</bpmn:script></bpmn:scriptTask>'
        yield f"script_{number}.bpmn", process(lane("a") + line(user_task("a"), script, ids=("x", "a")))
        body = lane("a") + '<bpmn:startEvent id="start"/><bpmn:endEvent id="end"/>' + user_task("a")
        body += '<bpmn:exclusiveGateway id="g" default="d"/>' + flow("start", "g") + flow("g", "a", safe)
        yield f"condition_{number}.bpmn", process(body + flow("g", "end", id="d") + flow("a", "end"))
        timer = f"<bpmn:timerEventDefinition><bpmn:timeDuration>{safe}</bpmn:timeDuration></bpmn:timerEventDefinition>"
        catch = f'<bpmn:intermediateCatchEvent id="x">{timer}</bpmn:intermediateCatchEvent>'
        yield f"timer_{number}.bpmn", process(line(catch, ids=("x",)))
        yield f"table_{number}.dmn", table(([safe], ["1"]), (["-"], [safe]))
    itself = '<bpmn:callActivity id="x" calledElement="p"/>'
    yield "calls_itself.bpmn", process(line(itself, ids=("x",)))
    endless = (
        '<bpmn:startEvent id="start"/><bpmn:endEvent id="end"/><bpmn:exclusiveGateway id="g" default="d"/>'
    )
    endless += '<bpmn:scriptTask id="x"><bpmn:script>y = 1</bpmn:script></bpmn:scriptTask>' + flow(
        "start", "x"
    )
    endless += flow("x", "g") + flow("g", "x", id="d") + flow("g", "end", "y == 2")
    yield "endless.bpmn", process(endless)
    many = "<bpmn:multiInstanceLoopCharacteristics><bpmn:loopCardinality>1000</bpmn:loopCardinality>"
    yield (
        "thousand.bpmn",
        process(
            lane("x")
            + line(user_task("x", inner=many + "</bpmn:multiInstanceLoopCharacteristics>"), ids=("x",))
        ),
    )
    chain = [f"t{n}" for n in range(10_000)]
    yield "ten_thousand.bpmn", process(line(*(f'<bpmn:task id="{id}"/>' for id in chain), ids=tuple(chain)))
    yield (
        "star.bpmn",
        process(
            '<bpmn:startEvent id="start"/>'
            + "".join(flow("start", f"e{n}") + f'<bpmn:endEvent id="e{n}"/>' for n in range(900))
        ),
    )
    ways = [f"w{n}" for n in range(400)]
    net = '<bpmn:startEvent id="start"/><bpmn:endEvent id="end"/><bpmn:parallelGateway id="s"/><bpmn:parallelGateway id="j"/>'
    net += lane(*ways) + flow("start", "s") + flow("j", "end")
    yield (
        "wide.bpmn",
        process(net + "".join(user_task(way) + flow("s", way) + flow(way, "j") for way in ways)),
    )
    ladder = "".join(
        f'<bpmn:inclusiveGateway id="g{n}"/>' + (flow(f"g{n - 1}", f"g{n}", "klass") * 1 if n else "")
        for n in range(300)
    )
    ladder += "".join(flow(f"g{n}", f"g{(n * 7) % 300}", "klass", id=f"back{n}") for n in range(300))
    yield "tangle.bpmn", process('<bpmn:startEvent id="start"/>' + flow("start", "g0") + ladder)
    rows = [([f"&lt; {n}", f'"{n}"', "-"], [str(n)]) for n in range(1_500)]
    yield "long_table.dmn", table(*rows, inputs=("a", "b", "c"))
    wide = tuple(f"c{n}" for n in range(60))
    yield (
        "wide_table.dmn",
        table(*[([f"&gt; {n}"] * 60, ["1"]) for n in range(60)], inputs=wide, hit="UNIQUE"),
    )


def everything() -> Iterator[tuple[str, bytes]]:
    """Yield all of them."""
    yield from hostile_xml()
    yield from hostile_forms()
    yield from hostile_diagrams()
