"""The rules about what is written into steps, tables, forms and the drawing."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from app.engine.rule_book.model import EITHER, ERROR, WARNING, Rule

RULES: dict[str, Rule] = {
    # ---------------------------------------------------------------- work
    "unknown-role": Rule(
        "work", ERROR,
        _l("A lane or group that is no role puts the work into nobody's inbox."),
        _l("Use the name of a role, in Chinese or English, or its key."),
    ),
    "no-role": Rule(
        "work", ERROR,
        _l("A step in no lane and without a group appears in nobody's inbox."),
        _l("Put it into a lane named after a role, or give it candidate groups."),
    ),
    "abstract-task": Rule(
        "work", WARNING,
        _l("A task without a type waits for a person, which the drawing does not say."),
        _l("Make it a user task, or a script or service task."),
    ),
    "missing-form": Rule(
        "work", ERROR,
        _l("Without its form nobody can complete the step."),
        _l("Add the form, or correct its name."),
    ),
    "no-connector": Rule(
        "work", ERROR,
        _l("A service task that names no connector does nothing the desk could do."),
        _l("Choose a connector, or make it a user task."),
    ),
    "unknown-connector": Rule(
        "work", ERROR,
        _l("The desk has no connector of this name; the step would fail for every case."),
        _l("Choose one that the desk has."),
    ),
    "missing-decision": Rule(
        "work", ERROR,
        _l(
            "A decision that is not there stops the case; its id must be written out since files are "
            "found by it."
        ),
        _l("Add the decision table's file, or correct the id."),
    ),
    "endless-loop": Rule(
        "work", ERROR,
        _l("A step repeated without end never lets the case go on."),
        _l("Enter a condition or a maximum number of laps."),
    ),
    "bad-repetition": Rule(
        "work", ERROR,
        _l("Without exactly one of a number and a list nobody can say how often the step is done."),
        _l("Enter a loop cardinality or a loop data input, not both."),
    ),
    "too-many-laps": Rule(
        "work", ERROR,
        _l(
            "Each lap of a repeated step is work for a person or the engine; hundreds at once stop "
            "the step."
        ),
        _l("Enter a smaller number, or let a list say how often."),
    ),
    "output-not-reset": Rule(
        "work", EITHER,
        _l("The engine refuses to fill a list that still holds the results of the lap before."),
        _l("Empty the list with a pre-script on the step."),
    ),
    "bad-property": Rule(
        "work", EITHER,
        _l("The desk reads these properties; one it does not understand has no effect."),
        _l("Use one of the values that the message lists."),
    ),
    # ---------------------------------------------------------------- text
    "bad-expression": Rule(
        "text", ERROR,
        _l("The engine would find the mistake only when a case comes here, and stop it."),
        _l("Correct the expression; texts stand in quotes, and = is written ==."),
    ),
    "bad-script": Rule(
        "text", ERROR,
        _l("Scripts are lines of the form name = expression; everything else is refused for safety."),
        _l("Correct the script: lines of the form name = expression."),
    ),
    "unknown-function": Rule(
        "text", ERROR,
        _l("Only the desk's own functions can be called; any other call stops the case."),
        _l("Use one of the functions that the message lists."),
    ),
    "unset-variable": Rule(
        "text", EITHER,
        _l("Reading a variable that no step has set stops the case there."),
        _l("Set it in a form, script or decision before this step, or correct the name."),
    ),
    "bad-name": Rule(
        "text", ERROR,
        _l(
            "A variable of a name that the engine keeps for itself makes the case unreadable once it "
            "is saved."
        ),
        _l("Choose another name for the variable."),
    ),
    "bad-timer": Rule(
        "text", ERROR,
        _l(
            "The engine would find out only when a case comes here, in the hands of whoever did the "
            "step before."
        ),
        _l("Enter a duration such as PT8H, a date, or a repetition such as R3/P1D."),
    ),
    "timer-in-past": Rule(
        "text", WARNING,
        _l("A date that has passed fires at once, for every case."),
        _l("Enter a time to come, a duration, or a variable that holds the date."),
    ),
    "dangling-reference": Rule(
        "text", ERROR,
        _l(
            "An event without its message, signal, error or escalation stops the engine with a "
            "message that misleads."
        ),
        _l("Choose or create the message, signal, error or escalation."),
    ),
    "message-without-name": Rule(
        "text", ERROR,
        _l("Messages find their case by name; without one, none ever arrives."),
        _l("Create a message with a name and choose it here."),
    ),
    "missing-translation": Rule(
        "text", WARNING,
        _l("Who works in English would read Chinese names."),
        _l("Write the English name at each of them."),
    ),
    "two-translations": Rule(
        "text", WARNING,
        _l("A name has one translation: the one published last is read on every screen."),
        _l("Use the English that is known, or another Chinese name."),
    ),
    # ---------------------------------------------------------------- tables
    "no-decision": Rule(
        "table", ERROR,
        _l("Without a decision there is nothing to look up."),
        _l("Draw a decision table with a decision editor."),
    ),
    "several-decisions": Rule(
        "table", ERROR,
        _l("Of several decisions in one file the engine reads only one."),
        _l("Give each decision a file of its own."),
    ),
    "no-table": Rule(
        "table", ERROR,
        _l("The engine reads decision tables, no other boxed expressions."),
        _l("Write the decision as a table, and give it an id."),
    ),
    "hit-policy": Rule(
        "table", ERROR,
        _l("The engine takes the first row that fits, whatever this policy says."),
        _l("Use FIRST (the first row that fits) or COLLECT (all rows that fit)."),
    ),
    "bad-output": Rule(
        "table", ERROR,
        _l("What the table decides goes into a variable named after the column."),
        _l("Give the output column the name of a variable."),
    ),
    "incomplete-row": Rule(
        "table", ERROR,
        _l("A row with too few or too many cells is read wrongly."),
        _l("Add the missing cells, or delete those too many."),
    ),
    "bad-cell": Rule(
        "table", ERROR,
        _l(
            "Cells are small Python, not FEEL: what FEEL writes differently never matches and says "
            "nothing about it."
        ),
        _l("Write the cell as the message shows."),
    ),
    "table-gap": Rule(
        "table", WARNING,
        _l("Where no row fits nothing is decided, and the outputs are empty."),
        _l("Add a row for it, or a last row whose input cells are empty."),
    ),
    "no-catch-all": Rule(
        "table", WARNING,
        _l("It cannot be seen that some row always fits; where none does, nothing is decided."),
        _l("Add a last row whose input cells are empty."),
    ),
    "table-overlap": Rule(
        "table", ERROR,
        _l(
            "The table says that only one row may fit; the engine does not look and takes the first "
            "without a word."
        ),
        _l("Narrow one of the rows, or use the hit policy FIRST."),
    ),
    "row-never-reached": Rule(
        "table", WARNING,
        _l("A row below others that fit all the same is never used, however right it looks."),
        _l("Move it up, delete it, or narrow the rows above it."),
    ),
    # ---------------------------------------------------------------- forms
    "bad-json": Rule(
        "form", ERROR,
        _l("A form that is no JSON cannot be read."),
        _l("Correct the text at the line named."),
    ),
    "bad-form": Rule(
        "form", ERROR,
        _l("A form that does not follow JSON Schema would be shown or checked wrongly."),
        _l("Correct this part of the form."),
    ),
    "reserved-field": Rule(
        "form", EITHER,
        _l(
            "A field of a name that the engine keeps for itself makes the case unreadable once it is "
            "saved."
        ),
        _l("Rename the field."),
    ),
    "slow-pattern": Rule(
        "form", ERROR,
        _l("A pattern that repeats what is repeated inside hangs the page on an unlucky text."),
        _l("Do not repeat what is repeated inside already: (a+)+ means a+."),
    ),
    "field-never-read": Rule(
        "form", WARNING,
        _l("People fill in a field that steers nothing, and process data grows."),
        _l("Read it somewhere, or keep it with the submission alone."),
    ),
    "field-never-set": Rule(
        "form", WARNING,
        _l("The form would show nothing there, or never show the field that depends on it."),
        _l("Set it in an earlier form, script or decision, or correct the name."),
    ),
    # ---------------------------------------------------------------- drawing
    "missing-diagram": Rule(
        "drawing", WARNING,
        _l("What is not drawn runs all the same, but nobody sees it."),
        _l("Let the adapter lay it out, or draw it in an editor."),
    ),
    "overlapping-shapes": Rule(
        "drawing", WARNING,
        _l("Of two shapes on one place people see only one."),
        _l("Move the shapes apart."),
    ),
}  # fmt: skip
