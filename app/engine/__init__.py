"""The engine adapter: the only code that knows SpiffWorkflow. This is its whole surface.

Every function that changes something takes actor and now and works in the transaction that its caller opened;
one call is one step of one instance. Errors are ours (`app.errors`); StepFailed leaves the instance as it
was, the caller records it in a fresh transaction with `record_incident`.
"""

from app.engine.connectors import ConnectorContext, connector, connector_names, off, on
from app.engine.deploy import (
    Deployed,
    VersionInfo,
    deploy,
    form_schema,
    get_file,
    latest_version,
    never_deployed,
)
from app.engine.events import broken_links, flush_events, record_event, stream_of
from app.engine.incidents import record_incident, retry_incident
from app.engine.lifecycle import (
    LockedItem,
    cancel,
    complete,
    lock_instance,
    lock_item,
    resume,
    set_data,
    start,
    suspend,
    update_subject,
    wake,
    wake_locked,
)
from app.engine.lint import check
from app.engine.messages import send_message
from app.engine.migrate import migrate, take_back_migration
from app.engine.model import (
    DeadlineSet,
    Delivered,
    ElementState,
    Kept,
    MigrationReport,
    StepContext,
    StepResult,
    Subject,
)
from app.engine.moving import lock_instances, move_timers
from app.engine.problems import Problem, ProblemsFound
from app.engine.queries import (
    DecisionRow,
    States,
    case_deadlines,
    decide,
    decision_row,
    element_states,
    get_instance,
    instance_view,
    instances_of_case,
    item_data,
    open_incidents,
)
from app.engine.reckoning import About, Rung, rung_of
from app.engine.reckoning import deadline as reckon
from app.engine.schedule import lock_due, next_due
from app.engine.script_engine import BpmnError
from app.engine.startable import Startable, startable
from app.engine.store import LoadedVersion, version
from app.engine.token_moves import Target, Token, TokenMove, move_token, tokens

__all__ = [
    "About",
    "BpmnError",
    "ConnectorContext",
    "DeadlineSet",
    "DecisionRow",
    "Delivered",
    "Deployed",
    "ElementState",
    "Kept",
    "LoadedVersion",
    "LockedItem",
    "MigrationReport",
    "Problem",
    "ProblemsFound",
    "Rung",
    "Startable",
    "States",
    "StepContext",
    "StepResult",
    "Subject",
    "Target",
    "Token",
    "TokenMove",
    "VersionInfo",
    "broken_links",
    "cancel",
    "case_deadlines",
    "check",
    "complete",
    "connector",
    "connector_names",
    "decide",
    "decision_row",
    "deploy",
    "element_states",
    "flush_events",
    "form_schema",
    "get_file",
    "get_instance",
    "instance_view",
    "instances_of_case",
    "item_data",
    "latest_version",
    "lock_instance",
    "lock_instances",
    "lock_due",
    "lock_item",
    "migrate",
    "take_back_migration",
    "tokens",
    "move_timers",
    "move_token",
    "never_deployed",
    "next_due",
    "off",
    "on",
    "open_incidents",
    "reckon",
    "record_event",
    "record_incident",
    "resume",
    "rung_of",
    "retry_incident",
    "send_message",
    "set_data",
    "start",
    "startable",
    "stream_of",
    "suspend",
    "update_subject",
    "version",
    "wake",
    "wake_locked",
]
