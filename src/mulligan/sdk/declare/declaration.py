"""Declarations: what the SDK knows of a workflow and its steps, and the definition that it tells the engine."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from inspect import getdoc
from typing import TYPE_CHECKING, Any, get_args

from mulligan.core.records import Argument, Effect, StepDefinition, StepKind, WorkflowDefinition
from mulligan.sdk.declare.codec import DocumentCodec, InputCodec, OutputCodec, ValueCodec
from mulligan.sdk.declare.dependency import Dependency
from mulligan.sdk.declare.retry import Retry
from mulligan.sdk.declare.signature import Signature, Value
from mulligan.sdk.declare.source import Where, code_digest, mistake
from mulligan.sdk.declare.variables import variables_in
from mulligan.sdk.failure import Failure

if TYPE_CHECKING:
    from mulligan.sdk.app import Mulligan

VERSION_VARIABLE = "MULLIGAN_CODE_VERSION"


@dataclass(frozen=True, slots=True)
class StepPolicy:
    """How a step is run. Spans as timedeltas; None for none."""

    retry: Retry = field(default_factory=lambda: Retry(0))
    start_to_close: timedelta | None = None
    schedule_to_start: timedelta | None = None
    effect: Effect = "none"
    at_most_once: bool = False

    def check(self, what: str, at: Where) -> None:
        if self.effect not in get_args(Effect):
            effects = ", ".join(repr(effect) for effect in get_args(Effect))
            raise mistake(at, f"{what} has the effect {self.effect!r}", f"Use one of {effects}")


@dataclass(frozen=True, eq=False)
class StepDeclaration:
    """One node. ``signature`` is None for a sleep. ``origins``: argument name -> ``core.records.Argument.origin``."""

    workflow: WorkflowDeclaration
    name: str
    at: Where
    kind: StepKind
    parents: tuple[str, ...] = ()
    signature: Signature | None = None
    origins: dict[str, str] = field(default_factory=dict)
    policy: StepPolicy = field(default_factory=StepPolicy)
    sleep: timedelta | None = None

    @property
    def what(self) -> str:
        return f"step {self.name!r}"

    @cached_property
    def document(self) -> DocumentCodec:
        """Parses the arguments of a call."""
        values = () if self.signature is None else self.signature.values.values()
        return DocumentCodec(self.name, values, self.origins, f"The input of {self.what}")

    @cached_property
    def output(self) -> ValueCodec:
        returns = None if self.signature is None else self.signature.returns
        return OutputCodec(returns, f"The output of {self.what}", self.at)

    def definition(self) -> StepDefinition:
        """Raises DeclarationError for argument types that JSON Schema cannot describe."""
        fn = None if self.signature is None else self.signature.fn
        schema = _schema_text(self.document.document_schema, f"the arguments of {self.what}", self.at)
        output = _schema_text(lambda: self.output.schema(written=True), f"the result of {self.what}", self.at)
        return StepDefinition(
            name=self.name,
            kind=self.kind,
            arguments=tuple(Argument(name, origin) for name, origin in self.origins.items()),
            parents=self.parents,
            input_schema=schema,
            output_schema=output,
            retry=self.policy.retry.record,
            start_to_close=self.policy.start_to_close,
            schedule_to_start=self.policy.schedule_to_start,
            sleep=self.sleep,
            effect=self.policy.effect,
            at_most_once=self.policy.at_most_once,
            file=self.at.portable,
            line=self.at.line,
            doc="" if fn is None else getdoc(fn) or "",
            variables=() if self.signature is None else variables_in(self.signature),
        )


class WorkflowDeclaration:
    """A workflow as declared so far; steps are added while the module is imported."""

    def __init__(
        self, app: Mulligan, name: str, input_type: Any, at: Where, *, is_task: bool, label: str | None, priority: int
    ) -> None:
        self.app = app
        self.name = name
        self.input_type = input_type
        self.at = at
        self.is_task = is_task
        self.label = label
        self.priority = priority
        self.doc = ""
        self.replay_metadata: tuple[str, ...] | None = None
        self.steps: dict[str, StepDeclaration] = {}
        self._definition: WorkflowDefinition | None = None

    def add(self, step: StepDeclaration) -> None:
        """Raises DeclarationError when the name is taken."""
        earlier = self.steps.get(step.name)
        if earlier is not None:
            raise mistake(
                step.at,
                f"workflow {self.name!r} has two steps named {step.name!r}, the other at {earlier.at}",
                "Rename one of them; a step comes after the steps it names in after(), so a graph has no cycles",
            )
        self.steps[step.name] = step
        self._definition = None
        self.app.revision += 1

    @cached_property
    def input(self) -> ValueCodec:
        """The run's input. For a task, a document of its arguments."""
        if self.is_task:
            return next(iter(self.steps.values())).document
        return InputCodec(self.input_type, f"The input of workflow {self.name!r}")

    def definition(self) -> WorkflowDefinition:
        """What the engine is told. Raises DeclarationError."""
        if self._definition is None:
            self._definition = self._define()
        return self._definition

    def _define(self) -> WorkflowDefinition:
        if all(step.kind is not StepKind.CALL for step in self.steps.values()):
            raise mistake(self.at, f"workflow {self.name!r} has no steps", "Decorate a function with @wf.step")
        steps = tuple(step.definition() for step in self.steps.values())
        if self.is_task:
            input_schema = steps[0].input_schema
        else:
            input_schema = _schema_text(
                lambda: self.input.schema(written=False), f"the input of workflow {self.name!r}", self.at
            )
        return WorkflowDefinition(
            name=self.name,
            steps=steps,
            input_schema=input_schema,
            is_task=self.is_task,
            code=code_digest(self._functions()),
            label=self.label if self.label is not None else os.environ.get(VERSION_VARIABLE, ""),
            priority=self.priority,
            doc=steps[0].doc if self.is_task else self.doc,
            replay_metadata=self.replay_metadata,
        )

    def _functions(self) -> Iterator[Callable[..., Any]]:
        for step in self.steps.values():
            if step.signature is not None:
                yield step.signature.fn
                yield from _providers(step.signature.dependencies.values())

    # ── Where arguments come from ────────────────────────────────────────────────────────────────────────────────────

    def origins(self, signature: Signature, what: str, kind: StepKind) -> dict[str, str]:
        """Argument name -> origin. Arguments with a plain default have none. Raises DeclarationError."""
        found: dict[str, str] = {}
        for value in signature.values.values():
            origin = self._origin(value, what, signature.at, kind)
            if origin is not None:
                found[value.name] = origin
        return found

    def _origin(self, value: Value, what: str, at: Where, kind: StepKind) -> str | None:
        if value.parent is not None:
            self.check_own(value.parent.parent, what, at)
            if self.is_task or kind is StepKind.ON_FAILURE:
                raise mistake(at, f"{what} cannot come after another step", f"Remove after() from {value.name!r}")
            return f"step:{value.parent.parent.name}"
        if self.is_task:
            return f"input:{value.name}"
        if value.annotation is Failure:
            if kind is StepKind.ON_FAILURE:
                return "failure"
            raise mistake(at, f"{what} asks for a Failure; only an on-failure step has one", "Use @wf.on_failure")
        if self.input_type is not None and value.annotation == self.input_type:
            return "input"
        if not value.required:
            return None
        raise mistake(at, *self._unknown_origin(value, what))

    def _unknown_origin(self, value: Value, what: str) -> tuple[str, str]:
        if self.input_type is None:
            return (
                f"{what} has the argument {value.name!r}, but workflow {self.name!r} has no input",
                f"Write {value.name}: T = after(step), or declare m.workflow({self.name!r}, input=T)",
            )
        kind = getattr(self.input_type, "__name__", str(self.input_type))
        return (
            f"nothing says where the argument {value.name!r} of {what} comes from",
            f"Annotate it with {kind} (the input of workflow {self.name!r}), give it a default of after(step) or "
            "depends(function), or a plain default value",
        )

    def check_own(self, parent: StepDeclaration, what: str, at: Where) -> None:
        if parent.workflow is not self:
            raise mistake(
                at,
                f"{what} of workflow {self.name!r} comes after {parent.name!r}, a step of workflow "
                f"{parent.workflow.name!r}",
                f"Name a step of {self.name!r}; to use another workflow's result, start it from a step",
            )
        if parent.kind is StepKind.ON_FAILURE:
            raise mistake(at, f"{what} comes after the on-failure step {parent.name!r}", "Nothing runs after that one")


def _providers(dependencies: Iterable[Dependency]) -> Iterator[Callable[..., Any]]:
    for dependency in dependencies:
        yield dependency.provider
        yield from _providers(dependency.needs.values())


def _schema_text(make: Callable[[], dict[str, Any]], what: str, at: Where) -> str:
    from pydantic import PydanticUserError

    try:
        return json.dumps(make(), ensure_ascii=False, separators=(",", ":"))
    except PydanticUserError as error:
        raise mistake(
            at,
            f"{what} cannot be described as JSON: {error.message.partition(chr(10))[0].rstrip('.')}",
            "Use Pydantic models, dataclasses, TypedDicts or plain JSON types; what is not data belongs into depends()",
        ) from error
