"""What goes in and out of the API, for validation and for the OpenAPI document."""

from __future__ import annotations

from marshmallow import fields

from app.api.fields import Choice, Day, Flag, Mail, Number, Object, Part, Schema, Text
from app.cases import rules
from app.customers.service import KINDS

SORTS = ("due_at", "created_at", "priority")


class CustomerIn(Schema):
    """Who has the problem; one with the same phone number is used again."""

    name = Text(80, 1, required=True)
    phone = Text(24, allow_none=True)
    company = Text(120, allow_none=True)
    region = Text(60, allow_none=True)
    address = Text(200, allow_none=True)
    email = Mail(120, allow_none=True)
    preferred_time = Text(80, allow_none=True)


class AssetIn(Schema):
    """What it is about; found by plate or serial number, else filed."""

    kind = Choice(KINDS)
    plate = Text(20, allow_none=True)
    serial = Text(60, allow_none=True)
    make = Text(60, allow_none=True)
    model = Text(80, allow_none=True)
    firmware = Text(40, allow_none=True)
    fitted_on = Day(allow_none=True)
    warranty_until = Day(allow_none=True)


class CaseIn(Schema):
    """A customer's problem as it arrives."""

    channel = Choice(rules.CHANNELS, required=True)
    kind = Choice(rules.KINDS, load_default="complaint")
    title = Text(200, 1, required=True)
    description = Text(8000, load_default="")
    klass = Choice(rules.CLASSES, data_key="class", allow_none=True)
    severity = Choice(rules.SEVERITIES, allow_none=True)
    other_type = Choice(rules.OTHER_TYPES, allow_none=True)
    preferred_time = Text(80, allow_none=True)
    customer = Part(CustomerIn, required=True)
    asset = Part(AssetIn, allow_none=True)


class ProcedureRef(Schema):
    """A procedure at one of its versions."""

    key = fields.String()
    version = fields.Integer()


class Deadline(Schema):
    """An open step, or what is promised for the whole case, and when it is due, UTC.

    kind: step, first_response, resolution or round; the element of the last three is their kind.
    """

    kind = fields.String()
    element = fields.String()
    name = fields.String()
    due_at = fields.AwareDateTime(allow_none=True)
    escalation_level = fields.Integer()


class WorkItemBrief(Schema):
    """A work item in a list."""

    id = fields.Integer()
    case = fields.String(attribute="case_number", allow_none=True)
    element = fields.String()
    name = fields.String()
    role = fields.String()
    assignee = fields.String(allow_none=True)
    status = fields.String()
    title = fields.String()
    klass = fields.String(data_key="class", allow_none=True)
    severity = fields.String(allow_none=True)
    priority = fields.Integer()
    escalation_level = fields.Integer()
    created_at = fields.AwareDateTime()
    due_at = fields.AwareDateTime(allow_none=True)
    follow_up_at = fields.AwareDateTime(allow_none=True)
    completed_at = fields.AwareDateTime(allow_none=True)


class FormOut(Schema):
    """The form as JSON Schema, and the values it starts with."""

    schema = fields.Dict()
    values = fields.Dict()


class WorkItemOut(WorkItemBrief):
    """A work item with its form; send `revision` back when completing it."""

    form = fields.Nested(FormOut, allow_none=True)
    revision = fields.Integer()


class TimelineEntry(Schema):
    """Something that happened to a case."""

    at = fields.AwareDateTime()
    actor = fields.String()
    kind = fields.String()
    element = fields.String(allow_none=True)
    data = fields.Dict()


class CaseBrief(Schema):
    """A case in a list."""

    number = fields.String()
    url = fields.String()
    channel = fields.String()
    kind = fields.String()
    title = fields.String()
    status = fields.String()
    klass = fields.String(data_key="class", allow_none=True)
    severity = fields.String(allow_none=True)
    received_at = fields.AwareDateTime()
    due_at = fields.AwareDateTime(allow_none=True)
    closed_at = fields.AwareDateTime(allow_none=True)


class CaseOut(CaseBrief):
    """A whole case; the customer's phone number stays masked."""

    description = fields.String()
    procedure = fields.Nested(ProcedureRef, allow_none=True)
    open_items = fields.List(fields.Nested(WorkItemBrief))
    timeline = fields.List(fields.Nested(TimelineEntry))
    deadlines = fields.List(fields.Nested(Deadline))
    customer = fields.Nested(lambda: CustomerOut(), allow_none=True)
    asset = fields.Nested(lambda: AssetOut(), allow_none=True)


class CaseCreated(CaseBrief):
    """A case just made; the customer tracks it with `track_code`."""

    track_code = fields.String()
    procedure = fields.Nested(ProcedureRef, allow_none=True)
    open_items = fields.List(fields.Nested(WorkItemBrief))


class CustomerOut(Schema):
    """The customer of a case; the number stays masked."""

    id = fields.Integer()
    name = fields.String()
    phone = fields.String()


class AssetOut(Schema):
    """The vehicle or device of a case; what identifies it stays masked."""

    id = fields.Integer()
    kind = fields.String()
    plate = fields.String()
    serial = fields.String()
    model = fields.String(allow_none=True)


class Paging(Schema):
    """`cursor` is the `next` of the page before."""

    cursor = Text(300)
    limit = Number(1, 200, load_default=50)


class CaseQuery(Paging):
    """What to list of the cases the caller may see."""

    q = Text(100)
    status = Choice(rules.STATUSES)
    klass = Choice(rules.CLASSES, data_key="class")


class WorkItemQuery(Paging):
    """What to list of the work items the caller may see; a sort with "-" is the other way round."""

    scope = Choice(("mine", "group", "all"), load_default="group")
    role = Text(40)
    case = Text(16)
    status = Choice(("open", "done"), load_default="open")
    sort = Choice((*SORTS, *(f"-{name}" for name in SORTS)), load_default="due_at")


class CasePage(Schema):
    """One page of cases; `next` is null on the last."""

    items = fields.List(fields.Nested(CaseBrief))
    next = fields.String(allow_none=True)


class WorkItemPage(Schema):
    """One page of work items; `next` is null on the last."""

    items = fields.List(fields.Nested(WorkItemBrief))
    next = fields.String(allow_none=True)


class AssignIn(Schema):
    """Who is to do it."""

    username = Text(80, 1, required=True)
    reason = Text(500, load_default="")


class CompleteIn(Schema):
    """What the form was answered with; an old `revision` is a conflict."""

    values = Object(keys=fields.String(), load_default=dict)
    revision = Number(allow_none=True)


class ReasonIn(Schema):
    """Why."""

    reason = Text(500, 1, required=True)


class NoteIn(Schema):
    """Why, if there is something to say."""

    reason = Text(500, load_default="")


class StartIn(Schema):
    """Process data to start with: ids, choices, numbers, dates."""

    variables = Object(keys=fields.String(), load_default=dict)


class StartedOut(Schema):
    """The instance that was started."""

    id = fields.Integer()
    status = fields.String()


class MigrateIn(Schema):
    """The version to move to; `dry_run` only tells what would stand in the way."""

    version = Number(1, required=True)
    dry_run = Flag(load_default=False)


class MigrationOut(Schema):
    """What moved, or what stands in the way."""

    id = fields.Integer()
    from_version = fields.Integer()
    to_version = fields.Integer()
    dry_run = fields.Boolean()
    problems = fields.List(fields.String())


class MessageIn(Schema):
    """A message for whoever waits for it; `correlation` is the case number unless the diagram has another."""

    name = Text(120, 1, required=True)
    correlation = Text(200, 1, required=True)
    payload = Object(keys=fields.String(), load_default=dict)


class DeliveryOut(Schema):
    """Whether somebody waited; else the message is kept until somebody does."""

    delivered = fields.Boolean()
    instance = fields.Integer(allow_none=True)


class DeployQuery(Schema):
    """Whether to write anything."""

    dry_run = Flag(load_default=False)


class DeployedProcedure(Schema):
    """One procedure that the files belong to; `version` is its newest."""

    key = fields.String()
    version = fields.Integer()
    created = fields.Boolean()


class DeployedOut(DeployedProcedure):
    """What became of the files."""

    procedures = fields.List(fields.Nested(DeployedProcedure))


class ProcedureOut(Schema):
    """A procedure and its newest version."""

    key = fields.String()
    name = fields.String()
    version = fields.Integer()
    deployed_at = fields.AwareDateTime()


class VersionOut(Schema):
    """One version of a procedure."""

    number = fields.Integer()
    digest = fields.String()
    created_at = fields.AwareDateTime()
    files = fields.List(fields.String())
    running = fields.Integer()


class ElementOut(Schema):
    """An element that was reached; `rounds`: how often."""

    process = fields.String()
    element = fields.String()
    status = fields.String()
    rounds = fields.Integer()
    entered_at = fields.AwareDateTime(allow_none=True)
    left_at = fields.AwareDateTime(allow_none=True)


class IncidentOut(Schema):
    """A step that could not be done."""

    id = fields.Integer()
    element = fields.String(allow_none=True)
    detail = fields.String()
    attempts = fields.Integer()
    created_at = fields.AwareDateTime()
    resolved_at = fields.AwareDateTime(allow_none=True)


class TimerOut(Schema):
    """A timer: waiting, fired or cancelled."""

    element = fields.String()
    name = fields.String()
    due_at = fields.AwareDateTime()
    status = fields.String()
    fired_at = fields.AwareDateTime(allow_none=True)


class InstanceOut(Schema):
    """A running or ended process."""

    id = fields.Integer()
    procedure = fields.Nested(ProcedureRef)
    status = fields.String()
    case = fields.String(allow_none=True)
    started_at = fields.AwareDateTime()
    ended_at = fields.AwareDateTime(allow_none=True)
    elements = fields.List(fields.Nested(ElementOut))
    incidents = fields.List(fields.Nested(IncidentOut))
    timers = fields.List(fields.Nested(TimerOut))


class TimerQuery(Paging):
    """Which timers of a day of the centre (today unless named); `late`: by more seconds than this."""

    day = Day()
    status = Choice(("fired", "waiting", "paused", "cancelled"), load_default="fired")
    procedure = Text(120, load_default="")
    element = Text(120, load_default="")
    late = Number(0, 10**8)


class TimerRecord(TimerOut):
    """A timer with when it was due and when it fired; lateness in seconds, how often it was tried."""

    id = fields.Integer()
    case = fields.String(attribute="case_number", allow_none=True)
    instance = fields.Integer(attribute="instance_id")
    process = fields.String(attribute="process_id")
    attached_to = fields.String(allow_none=True)
    sequence = fields.Integer()
    lateness_seconds = fields.Float(attribute="lateness", allow_none=True)
    attempts = fields.Integer()
    worker = fields.String(allow_none=True)


class TimerPage(Schema):
    """One page of timers, the newest first; `next` is null on the last."""

    items = fields.List(fields.Nested(TimerRecord))
    next = fields.String(allow_none=True)


class TimerSummaryQuery(Schema):
    """Which days: so many up to `day`, which is today unless named."""

    day = Day()
    days = Number(1, 31, load_default=14)


class TimerDay(Schema):
    """The firings of one day of the centre; seconds from due to fired, null on a day without any."""

    day = fields.Date()
    fired = fields.Integer(attribute="count")
    p50 = fields.Float(allow_none=True)
    p95 = fields.Float(allow_none=True)
    p99 = fields.Float(allow_none=True)
    max = fields.Float(attribute="latest", allow_none=True)
    early = fields.Integer()
