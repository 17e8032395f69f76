"""Small BPMN, DMN and form files for tests: only what the sentence of the test needs."""

from __future__ import annotations

HEAD = (
    '<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" '
    'xmlns:spiffworkflow="http://spiffworkflow.org/bpmn/schema/1.0/core" '
    'xmlns:camunda="http://camunda.org/schema/1.0/bpmn" id="d" targetNamespace="t">'
)
LANES = '<bpmn:laneSet id="lanes"><bpmn:lane id="lane" name="{lane}">{refs}</bpmn:lane></bpmn:laneSet>'


def flow(source: str, target: str, condition: str | None = None, *, id: str = "") -> str:
    """A sequence flow, with its condition if any."""
    inner = (
        f"<bpmn:conditionExpression>{condition}</bpmn:conditionExpression>" if condition is not None else ""
    )
    name = id or f"{source}__{target}"
    ends = f'sourceRef="{source}" targetRef="{target}"'
    return f'<bpmn:sequenceFlow id="{name}" {ends}>{inner}</bpmn:sequenceFlow>'


def properties(**values: str) -> str:
    """Extension elements with spiffworkflow properties."""
    inner = "".join(f'<spiffworkflow:property name="{n}" value="{v}"/>' for n, v in values.items())
    return (
        f"<bpmn:extensionElements><spiffworkflow:properties>{inner}</spiffworkflow:properties>"
        "</bpmn:extensionElements>"
    )


def user_task(id: str, *, form: str | None = None, attributes: str = "", inner: str = "") -> str:
    """A user task, with its form if any."""
    extension = properties(formJsonSchemaFilename=form) if form else ""
    return f'<bpmn:userTask id="{id}" name="{id}" {attributes}>{extension}{inner}</bpmn:userTask>'


def timer(kind: str, text: str) -> str:
    """A timer event definition."""
    return f"<bpmn:timerEventDefinition><bpmn:{kind}>{text}</bpmn:{kind}></bpmn:timerEventDefinition>"


def process(body: str, *, id: str = "p", outside: str = "", attributes: str = 'isExecutable="true"') -> bytes:
    """A document with one process; `outside` goes beside it (messages, errors, other processes)."""
    inside = f'<bpmn:process id="{id}" name="{id}" {attributes}>{body}</bpmn:process>'
    return f"{HEAD}{inside}{outside}</bpmn:definitions>".encode()


def line(*nodes: str, ids: tuple[str, ...]) -> str:
    """start → the nodes in order → end, with their flows."""
    chain = ("start", *ids, "end")
    flows = "".join(flow(a, b) for a, b in zip(chain, chain[1:], strict=False))
    return '<bpmn:startEvent id="start"/>' + "".join(nodes) + '<bpmn:endEvent id="end"/>' + flows


def lane(*ids: str, name: str = "客服助理") -> str:
    """A lane that holds these elements."""
    return LANES.format(lane=name, refs="".join(f"<bpmn:flowNodeRef>{id}</bpmn:flowNodeRef>" for id in ids))


def table(
    *rows: tuple[list[str], list[str]],
    id: str = "rule",
    inputs: tuple[str, ...] = ("klass",),
    outputs: tuple[str, ...] = ("result",),
    hit: str = "FIRST",
) -> bytes:
    """A decision table; each row is (input cells, output cells)."""
    columns = "".join(
        f'<input id="i{n}"><inputExpression id="e{n}"><text>{text}</text></inputExpression></input>'
        for n, text in enumerate(inputs)
    )
    columns += "".join(f'<output id="o{n}" name="{name}"/>' for n, name in enumerate(outputs))
    body = ""
    for number, (given, then) in enumerate(rows):
        cells = "".join(
            f'<inputEntry id="c{number}_{n}"><text>{t}</text></inputEntry>' for n, t in enumerate(given)
        )
        cells += "".join(
            f'<outputEntry id="d{number}_{n}"><text>{t}</text></outputEntry>' for n, t in enumerate(then)
        )
        body += f'<rule id="r{number}">{cells}</rule>'
    return (
        '<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="f" name="f" namespace="n">'
        f'<decision id="{id}" name="{id}"><decisionTable id="t" hitPolicy="{hit}">{columns}{body}'
        "</decisionTable></decision></definitions>"
    ).encode()
