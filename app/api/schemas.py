"""What goes in and out of the API, for validation and for the OpenAPI document."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from app.cases import rules


class CustomerIn(Schema):
    """Who has the problem; one with the same phone number is used again."""

    name = fields.String(required=True, validate=validate.Length(1, 80))
    phone = fields.String(validate=validate.Length(max=24))
    company = fields.String(validate=validate.Length(max=120))
    region = fields.String(validate=validate.Length(max=60))
    address = fields.String(validate=validate.Length(max=200))
    email = fields.Email()


class AssetIn(Schema):
    """What it is about; found by plate or serial number, else filed."""

    kind = fields.String(validate=validate.OneOf(["vehicle", "terminal", "camera", "sensor"]))
    plate = fields.String(validate=validate.Length(max=20))
    serial = fields.String(validate=validate.Length(max=60))
    make = fields.String(validate=validate.Length(max=60))
    model = fields.String(validate=validate.Length(max=80))
    firmware = fields.String(validate=validate.Length(max=40))
    fitted_on = fields.Date()
    warranty_until = fields.Date()


class CaseIn(Schema):
    """A customer's problem as it arrives."""

    channel = fields.String(required=True, validate=validate.OneOf(rules.CHANNELS))
    kind = fields.String(load_default="complaint", validate=validate.OneOf(rules.KINDS))
    title = fields.String(required=True, validate=validate.Length(1, 200))
    description = fields.String(load_default="", validate=validate.Length(max=8000))
    klass = fields.String(data_key="class", validate=validate.OneOf(rules.CLASSES))
    severity = fields.String(validate=validate.OneOf(rules.SEVERITIES))
    customer = fields.Nested(CustomerIn)
    asset = fields.Nested(AssetIn)


class ProcedureRef(Schema):
    """A procedure at one of its versions."""

    key = fields.String()
    version = fields.Integer()


class Deadline(Schema):
    """An open step and when it is due, UTC."""

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
    customer = fields.Dict(allow_none=True)
    asset = fields.Dict(allow_none=True)


class CaseCreated(CaseBrief):
    """A case just made; the customer tracks it with `track_code`."""

    track_code = fields.String()
    procedure = fields.Nested(ProcedureRef, allow_none=True)
    open_items = fields.List(fields.Nested(WorkItemBrief))


class Paging(Schema):
    """`cursor` is the `next` of the page before."""

    cursor = fields.String()
    limit = fields.Integer(load_default=50, validate=validate.Range(1, 200))


class CaseQuery(Paging):
    """What to list of the cases the caller may see."""

    q = fields.String()
    status = fields.String(validate=validate.OneOf(rules.STATUSES))
    klass = fields.String(data_key="class", validate=validate.OneOf(rules.CLASSES))


class WorkItemQuery(Paging):
    """What to list of the work items the caller may see."""

    scope = fields.String(load_default="group", validate=validate.OneOf(["mine", "group", "all"]))
    role = fields.String()
    case = fields.String()
    status = fields.String(load_default="open", validate=validate.OneOf(["open", "done"]))
    sort = fields.String(load_default="due_at", validate=validate.OneOf(["due_at", "created_at", "priority"]))


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

    username = fields.String(required=True)
    reason = fields.String(load_default="", validate=validate.Length(max=500))


class CompleteIn(Schema):
    """What the form was answered with; an old `revision` is a conflict."""

    values = fields.Dict(keys=fields.String(), load_default=dict)
    revision = fields.Integer()


class ReasonIn(Schema):
    """Why."""

    reason = fields.String(required=True, validate=validate.Length(1, 500))


class StartIn(Schema):
    """Process data to start with: ids, choices, numbers, dates."""

    variables = fields.Dict(keys=fields.String(), load_default=dict)


class MigrateIn(Schema):
    """The version to move to; `dry_run` only tells whether it would work."""

    version = fields.Integer(required=True)
    dry_run = fields.Boolean(load_default=False)


class MessageIn(Schema):
    """A message for whoever waits for it; kept until somebody does."""

    name = fields.String(required=True, validate=validate.Length(1, 120))
    correlation = fields.String(load_default="", validate=validate.Length(max=200))
    payload = fields.Dict(keys=fields.String(), load_default=dict)


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


class InstanceOut(Schema):
    """A running or ended process."""

    id = fields.Integer()
    procedure = fields.Nested(ProcedureRef)
    status = fields.String()
    case = fields.String(allow_none=True)
    started_at = fields.AwareDateTime()
    ended_at = fields.AwareDateTime(allow_none=True)
    elements = fields.List(fields.Dict())
    incidents = fields.List(fields.Dict())
    timers = fields.List(fields.Dict())
