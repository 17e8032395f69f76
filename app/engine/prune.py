"""Drop finished history from a live instance: what is over lives in our own event table.

Without it an instance grows with every round of a loop, and dies silently at a tree depth of 1,000.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from SpiffWorkflow.bpmn.specs.control import BoundaryEventJoin, BoundaryEventSplit, _EndJoin
from SpiffWorkflow.bpmn.specs.mixins.events.intermediate_event import BoundaryEvent
from SpiffWorkflow.bpmn.specs.mixins.unstructured_join import UnstructuredJoin
from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

FINISHED = TaskState.FINISHED_MASK


def prune(workflow: Any) -> int:
    """Shorten every active task tree of the instance; return how many tasks went.

    Kept: all that is unfinished with its direct parent, an open split with its branches, the tokens that wait
    at an unfinished join. Lost: data of side branches that have ended (the library merges it at the end).
    """
    for task_id in [i for i, sub in workflow.subprocesses.items() if sub.completed]:
        _drop_subprocess(workflow, task_id)
    trees = [workflow, *workflow.subprocesses.values()]
    return sum(_Tree(tree, workflow).prune() for tree in trees if not tree.completed)


def _drop_subprocess(top: Any, task_id: UUID) -> None:
    gone = top.subprocesses.pop(task_id, None)
    for inner in gone.tasks if gone is not None else ():
        _drop_subprocess(top, inner)


class _Tree:
    """The task tree of the process or of one called process."""

    def __init__(self, workflow: Any, top: Any) -> None:
        self.workflow = workflow
        self.top = top
        self.root: Task = workflow.task_tree
        # A token that arrived at an open join is a CANCELLED task with a finished parent; the join still
        # counts it.
        self.open_joins = {
            task.task_spec.name
            for task in workflow.tasks.values()
            if task.has_state(TaskState.WAITING)
            and isinstance(task.task_spec, UnstructuredJoin)
            and not isinstance(task.task_spec, _EndJoin)
        }
        self.alive: dict[UUID, bool] = {}
        self._mark_alive()

    def prune(self) -> int:
        """Shorten this tree; return how many tasks went."""
        if not self.alive[self.root.id]:
            return 0
        before = len(self.workflow.tasks)
        stack = [self.root]
        while stack:
            stack.extend(self._shorten(stack.pop()))
        self._drop_finished_firings()
        last = self.workflow.last_task
        if last is not None and last.id not in self.workflow.tasks:
            self.workflow.last_task = self.root
        return before - len(self.workflow.tasks)

    def _mark_alive(self) -> None:
        # Children before parents, without recursion: one step may add hundreds of levels.
        order, stack = [], [self.root]
        while stack:
            task = stack.pop()
            order.append(task)
            stack.extend(task.children)
        for task in reversed(order):
            self.alive[task.id] = self._is_open(task) or any(self.alive[child] for child in task._children)

    def _is_open(self, task: Task) -> bool:
        if task.has_state(FINISHED):
            return task.has_state(TaskState.CANCELLED) and task.task_spec.name in self.open_joins
        # An end reached on a side branch waits for the others; the last of them comes by its own end.
        return not (isinstance(task.task_spec, _EndJoin) and task.has_state(TaskState.WAITING))

    def _shorten(self, top: Task) -> list[Task]:
        """Hang the next open place below `top` under it directly; return the branches that start there."""
        path, current = [], top
        while current.has_state(FINISHED) and not _is_open_split(current):
            live = self._live(current)
            if len(live) != 1:
                break
            path.append(current)
            current = live[0]
        if len(path) > 2:
            # The parent of the open place stays: a task's saved data is its difference from its parent's.
            keep = path[-1]
            doomed = [child for child in top.children if child is not path[1]]
            doomed += [child for task in path[1:-1] for child in task.children if child not in path]
            for task in doomed:
                self._drop(task)
            for task in path[1:-1]:
                self._forget(task)
            top._children = [keep.id]
            keep._parent = top.id
        for task in {path[0].id: path[0], path[-1].id: path[-1]}.values() if path else ():
            self._drop_dead_children(task)
        if not current.has_state(FINISHED):
            return []
        if not _is_open_split(current):
            self._drop_dead_children(current)
        return [child for child in self._live(current) if child.has_state(FINISHED)]

    def _live(self, task: Task) -> list[Task]:
        return [child for child in task.children if self.alive[child.id]]

    def _drop_dead_children(self, task: Task) -> None:
        for child in task.children:
            if not self.alive[child.id]:
                self._drop(child)
        task._children = [child for child in task._children if child in self.workflow.tasks]

    def _drop_finished_firings(self) -> None:
        # A repeating boundary timer stays open itself and collects one finished branch a firing.
        for task in list(self.workflow.tasks.values()):
            if isinstance(task.task_spec, BoundaryEvent) and not task.has_state(FINISHED):
                self._drop_dead_children(task)

    def _drop(self, task: Task) -> None:
        stack = [task]
        while stack:
            current = stack.pop()
            stack.extend(current.children)
            self._forget(current)

    def _forget(self, task: Task) -> None:
        self.workflow.tasks.pop(task.id, None)
        self.top.event_manager.remove_task(task)
        _drop_subprocess(self.top, task.id)


def _is_open_split(task: Task) -> bool:
    """Tell whether boundary events still hang on an open activity here; their join looks at all of them."""
    if not isinstance(task.task_spec, BoundaryEventSplit):
        return False
    mains = [
        child for child in task.children if not isinstance(child.task_spec, BoundaryEvent | BoundaryEventJoin)
    ]
    return any(not main.has_state(FINISHED) for main in mains)
