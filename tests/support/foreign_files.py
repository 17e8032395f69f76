"""Diagrams as other editors write them: one small model, told in eight dialects, in many encodings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from xml.sax.saxutils import quoteattr

MODEL = "http://www.omg.org/spec/BPMN/20100524/MODEL"


@dataclass(frozen=True)
class Node:
    """One step: kind is a BPMN tag; detail is what a dialect writes into it, by its own rules."""

    id: str
    kind: str
    name: str = ""
    detail: str = ""
    on: str = ""


@dataclass(frozen=True)
class Model:
    """A process; flows are (source, target, condition in plain Python or "")."""

    name: str
    nodes: tuple[Node, ...]
    flows: tuple[tuple[str, str, str], ...]
    lane: str = "客服助理"
    default: dict[str, str] = field(default_factory=dict)


LINE = Model(
    "line",
    (
        Node("s", "startEvent"),
        Node("a", "userTask", "登记"),
        Node("b", "userTask", "Judge & decide"),
        Node("e", "endEvent"),
    ),
    (("s", "a", ""), ("a", "b", ""), ("b", "e", "")),
)
CHOICE = Model(
    "choice",
    (
        Node("s", "startEvent"), Node("a", "userTask", "判定"), Node("g", "exclusiveGateway", "行？"),
        Node("b", "userTask", "办理"), Node("e", "endEvent"),
    ),
    (("s", "a", ""), ("a", "g", ""), ("g", "b", 'klass == "device"'), ("g", "e", ""), ("b", "e", "")),
)  # fmt: skip
IMPLICIT = Model(
    "implicit",
    (
        Node("s", "startEvent"), Node("a", "userTask", "登记"), Node("b", "userTask", "平台"), Node("c", "userTask", "设备"),
        Node("e", "endEvent"),
    ),
    (("s", "a", ""), ("a", "b", ""), ("a", "c", ""), ("b", "e", ""), ("c", "e", "")),
)  # fmt: skip
TIMED = Model(
    "timed",
    (
        Node("s", "startEvent"), Node("w", "intermediateCatchEvent", "等一天", "timer:P1D"), Node("a", "userTask", "回访"),
        Node("late", "boundaryEvent", "超时", "timer:PT8H", on="a"), Node("e", "endEvent"), Node("x", "endEvent"),
    ),
    (("s", "w", ""), ("w", "a", ""), ("a", "e", ""), ("late", "x", "")),
)  # fmt: skip
SERVED = Model(
    "served",
    (
        Node("s", "startEvent"), Node("v", "serviceTask", "发送", "service:notify"), Node("a", "userTask", "看", "form:f"),
        Node("e", "endEvent"),
    ),
    (("s", "v", ""), ("v", "a", ""), ("a", "e", "")),
)  # fmt: skip
MODELS = (LINE, CHOICE, IMPLICIT, TIMED, SERVED)


@dataclass(frozen=True)
class Dialect:
    """How one editor writes.

    prefix:  of the BPMN namespace, "" for none. ids: turns an id into that editor's.
    head:    attributes of the root. process: attributes of the process.
    step:    (node, own id) → attributes and content of a step.
    condition: plain Python → that editor's expression.
    drawn:   whether it writes the drawing. incoming: whether steps list their flows.
    """

    name: str
    prefix: str
    head: str
    process: str
    ids: Callable[[str], str] = lambda id: id
    step: Callable[[Node], tuple[str, str]] = lambda _node: ("", "")
    condition: Callable[[str], str] = lambda text: text
    extra: str = ""
    pools: bool = True
    drawn: bool = True
    incoming: bool = False


def write(model: Model, dialect: Dialect) -> str:
    """Return the diagram as that editor saves it."""
    p = f"{dialect.prefix}:" if dialect.prefix else ""
    xmlns = f'xmlns:{dialect.prefix}="{MODEL}"' if dialect.prefix else f'xmlns="{MODEL}"'
    id = dialect.ids
    flows = [(id(f"f_{a}_{b}"), id(a), id(b), text) for a, b, text in model.flows]
    body = [dialect.extra.replace("PREFIX:", p)]
    if dialect.pools:
        refs = "".join(f"<{p}flowNodeRef>{id(node.id)}</{p}flowNodeRef>" for node in model.nodes)
        body.append(
            f'<{p}laneSet id="{id("lanes")}"><{p}lane id="{id("lane")}" name="{model.lane}">{refs}</{p}lane></{p}laneSet>'
        )
    for node in model.nodes:
        attributes, content = dialect.step(node)
        if node.detail.startswith("timer:"):
            content += (
                f'<{p}timerEventDefinition id="{id("t" + node.id)}"><{p}timeDuration>{node.detail[6:]}'
                f"</{p}timeDuration></{p}timerEventDefinition>"
            )
        if dialect.incoming:
            content = (
                "".join(f"<{p}incoming>{f}</{p}incoming>" for f, _a, b, _t in flows if b == id(node.id))
                + "".join(f"<{p}outgoing>{f}</{p}outgoing>" for f, a, _b, _t in flows if a == id(node.id))
                + content
            )
        on = f' attachedToRef="{id(node.on)}"' if node.on else ""
        name = f" name={quoteattr(node.name)}" if node.name else ""
        content = content.replace("PREFIX:", p)
        body.append(f'<{p}{node.kind} id="{id(node.id)}"{name}{on}{attributes}>{content}</{p}{node.kind}>')
    for flow, source, target, text in flows:
        condition = (
            f"<{p}conditionExpression>{_escaped(dialect.condition(text))}</{p}conditionExpression>"
            if text
            else ""
        )
        body.append(
            f'<{p}sequenceFlow id="{flow}" sourceRef="{source}" targetRef="{target}">{condition}</{p}sequenceFlow>'
        )
    inside = "\n    ".join(part for part in body if part)
    process = f'<{p}process id="{id(model.name)}" name="{model.name}" {dialect.process}>\n    {inside}\n  </{p}process>'
    drawing = _drawing(model, id) if dialect.drawn else ""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<{p}definitions {xmlns} {dialect.head} id="{id("d")}" '
        f'targetNamespace="http://example.org/t">\n  {process}\n  {drawing}\n</{p}definitions>\n'
    )


def _drawing(model: Model, id: Callable[[str], str]) -> str:
    spaces = (
        'xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC" '
        'xmlns:di="http://www.omg.org/spec/DD/20100524/DI"'
    )
    shapes = "".join(
        f'<bpmndi:BPMNShape id="{id(node.id)}_gui" bpmnElement="{id(node.id)}"><dc:Bounds x="{100 + 180 * n}.0" '
        f'y="{140 if node.on else 100}.0" width="100.0" height="80.0"/></bpmndi:BPMNShape>'
        for n, node in enumerate(model.nodes)
    )
    edges = "".join(
        f'<bpmndi:BPMNEdge id="{id(f"f_{a}_{b}")}_gui" bpmnElement="{id(f"f_{a}_{b}")}"><di:waypoint x="1" y="1"/>'
        f'<di:waypoint x="2" y="2"/></bpmndi:BPMNEdge>'
        for a, b, _text in model.flows
    )
    plane = f'<bpmndi:BPMNPlane id="plane" bpmnElement="{id(model.name)}">{shapes}{edges}</bpmndi:BPMNPlane>'
    return f'<bpmndi:BPMNDiagram {spaces} id="diagram">{plane}</bpmndi:BPMNDiagram>'


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _camunda7(node: Node) -> tuple[str, str]:
    if node.kind == "userTask":
        form = ' camunda:formKey="embedded:app:forms/f.json"' if node.detail == "form:f" else ""
        fields = (
            '<PREFIX:extensionElements><camunda:formData><camunda:formField id="klass" label="Class" type="enum">'
            '<camunda:value id="device" name="设备"/><camunda:value id="other" name="其他"/></camunda:formField>'
            "</camunda:formData></PREFIX:extensionElements>"
        )
        return f' camunda:candidateGroups="agent" camunda:asyncBefore="true"{form}', "" if form else fields
    if node.detail.startswith("service:"):
        return f' camunda:type="external" camunda:topic="{node.detail[8:]}"', ""
    return "", ""


def _camunda8(node: Node) -> tuple[str, str]:
    if node.kind == "userTask":
        form = '<zeebe:formDefinition formId="f"/>' if node.detail == "form:f" else ""
        assigned = '<zeebe:assignmentDefinition candidateGroups="agent"/>'
        return "", f"<PREFIX:extensionElements><zeebe:userTask/>{form}{assigned}</PREFIX:extensionElements>"
    if node.detail.startswith("service:"):
        job = f'<zeebe:taskDefinition type="{node.detail[8:]}" retries="3"/><zeebe:ioMapping/>'
        return "", f"<PREFIX:extensionElements>{job}</PREFIX:extensionElements>"
    return "", ""


def _signavio(node: Node) -> tuple[str, str]:
    meta = (
        '<PREFIX:extensionElements><signavio:signavioMetaData metaKey="bgcolor" metaValue="#ffffcc"/>'
        '<signavio:signavioLabel ref="text_name" x="1.0" y="2.0"/></PREFIX:extensionElements>'
    )
    gateway = ' gatewayDirection="Diverging"' if "Gateway" in node.kind else ""
    return f'{gateway} completionQuantity="1" startQuantity="1"' if "Task" in node.kind else gateway, meta


def _bizagi(_node: Node) -> tuple[str, str]:
    inner = '<bizagi:BizagiProperties><bizagi:BizagiProperty name="bgColor" value="#ECEFFF"/></bizagi:BizagiProperties>'
    return "", (
        "<PREFIX:documentation/><PREFIX:extensionElements><bizagi:BizagiExtensions "
        f'xmlns:bizagi="http://www.bizagi.com/bpmn20">{inner}</bizagi:BizagiExtensions></PREFIX:extensionElements>'
    )


def _python_to_juel(text: str) -> str:
    return "${" + text.replace('"', "'") + "}"


def _python_to_feel(text: str) -> str:
    return "=" + text.replace("==", "=")


DIALECTS = (
    Dialect(
        "camunda7", "bpmn", 'xmlns:camunda="http://camunda.org/schema/1.0/bpmn" exporter="Camunda Modeler"',
        'isExecutable="true" camunda:historyTimeToLive="180"', step=_camunda7, condition=_python_to_juel, pools=False,
    ),
    Dialect(
        "camunda8", "bpmn",
        'xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" xmlns:modeler="http://camunda.org/schema/modeler/1.0" '
        'modeler:executionPlatform="Camunda Cloud" modeler:executionPlatformVersion="8.5.0"',
        'isExecutable="true"', step=_camunda8, condition=_python_to_feel, pools=False,
    ),
    Dialect(
        "signavio", "", 'xmlns:signavio="http://www.signavio.com" exporter="Signavio Process Editor, http://www.signavio.com"',
        'isClosed="false" isExecutable="false" processType="None"', ids=lambda id: f"sid-6F9619FF-{id.upper()}",
        step=_signavio, incoming=True,
    ),
    Dialect(
        "aris", "", 'exporter="ARIS" xmlns:aris="http://www.softwareag.com/aris"',
        'isExecutable="false" processType="None"', ids=lambda id: f"id_d2f0c7e1-{id}", incoming=True,
        extra='<PREFIX:extensionElements><aris:guid value="1"/></PREFIX:extensionElements>',
    ),
    Dialect(
        "trisotech", "semantic", 'xmlns:triso="http://www.trisotech.com/2015/triso/modeling" exporter="Trisotech.com"',
        'isExecutable="false" triso:modelID="m"', ids=lambda id: f"_b6-{id}", incoming=True,
    ),
    Dialect(
        "adonis", "", 'exporter="ADONIS NP" xmlns:ado="http://www.boc-group.com/adonis"',
        'processType="None"', ids=lambda id: f"obj.{id}", pools=False,
    ),
    Dialect(
        "bizagi", "", 'exporter="Bizagi Modeler"', 'isExecutable="true"', ids=lambda id: f"Id_8a4e{id}",
        step=_bizagi, incoming=True,
    ),
    Dialect("bpmn_io", "bpmn2", 'exporter="bpmn-js"', 'isExecutable="false"', incoming=True, pools=False, drawn=False),
)  # fmt: skip


def foreign() -> Iterator[tuple[str, bytes]]:
    """Yield (name, content) of every model in every dialect."""
    for dialect in DIALECTS:
        for model in MODELS:
            yield f"{dialect.name}_{model.name}.bpmn", write(model, dialect).encode()


def encoded() -> Iterator[tuple[str, bytes]]:
    """Yield one diagram in many encodings, rightly and wrongly declared."""
    text = write(LINE, DIALECTS[2])
    bare = text.split("\n", 1)[1]

    def declared(name: str) -> str:
        return f'<?xml version="1.0" encoding="{name}"?>\n{bare}'

    yield "utf8_bom.bpmn", b"\xef\xbb\xbf" + text.encode()
    yield "no_declaration.bpmn", bare.encode()
    for name in ("utf-16", "utf-16-le", "utf-16-be", "utf-32"):
        yield f"{name}.bpmn", declared("UTF-16" if "16" in name else "UTF-32").encode(name)
    for name in ("GBK", "GB18030", "GB2312", "Big5"):
        yield f"{name}.bpmn", declared(name).encode(name, "xmlcharrefreplace")
    yield "gbk_undeclared.bpmn", bare.encode("gbk")
    yield "gbk_as_utf8.bpmn", text.encode("gbk")
    yield "utf8_as_gbk.bpmn", declared("GBK").encode()
    yield "latin1.bpmn", declared("ISO-8859-1").encode("latin-1", "xmlcharrefreplace")
    yield "unknown.bpmn", declared("klingon").encode()
    yield "ebcdic.bpmn", declared("cp037").encode("cp037", "xmlcharrefreplace")
