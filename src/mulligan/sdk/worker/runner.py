"""Calling step functions: on the event loop or in a thread, with their arguments, dependencies and context."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
import threading
from contextlib import AsyncExitStack, ExitStack, suppress
from functools import partial
from typing import Any

from mulligan.errors import MulliganError
from mulligan.sdk.context import running_context
from mulligan.sdk.worker.attempt import Attempt
from mulligan.sdk.worker.injection import Injector, provide_in_thread
from mulligan.sdk.worker.ledger import Ledger
from mulligan.sdk.worker.pool import Pool
from mulligan.sdk.worker.stall import watched
from mulligan.wire.messages import Report

log = logging.getLogger("mulligan.worker")

LONG_STALL_S = 1.0

_NOTHING: Any = object()


class Runner:
    """Every attempt that is handed in is reported, unless nobody wants it any more, and gives its slot back."""

    def __init__(self, ledger: Ledger, pool: Pool) -> None:
        self._ledger = ledger
        self._pool = pool
        self._injector = Injector()
        self._stalls: dict[str, int] = {}
        self._told: set[str] = set()

    @staticmethod
    def needs_loop(attempt: Attempt) -> bool:
        """Can it run in a thread from beginning to end, without ever touching the loop?"""
        signature = attempt.step.signature
        return attempt.substitute is not None or signature is None or signature.needs_loop

    async def close(self) -> None:
        """Clean up what lived as long as the worker."""
        await self._injector.close()

    # ── On the loop ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def run(self, attempt: Attempt) -> None:
        """One attempt as a task of its own."""
        running_context.set(attempt.context)
        if not self._ledger.begin(attempt):
            self._ledger.free(attempt)
            return
        report: Report | None = None
        try:
            output = await watched(self._result(attempt), self._blocked, attempt)
            report = attempt.succeeded(output)
        except BaseException as error:  # noqa: BLE001 - whatever a step raises is data, SystemExit too
            report = attempt.failed(error)
        finally:
            self._ledger.end(attempt, report)

    async def _result(self, attempt: Attempt) -> bytes:
        signature = attempt.step.signature
        assert signature is not None
        arguments = attempt.step.document.decode(attempt.assign.input)
        result = _NOTHING
        if attempt.substitute is not None:
            result = attempt.substitute(**arguments)
            if inspect.isawaitable(result):
                result = await result
            return attempt.step.output.encode(result)
        positional = (attempt.context,) if signature.takes_context else ()
        if not signature.dependencies:
            # never in a thread: without async dependencies a synchronous step does not come here
            return attempt.step.output.encode(await signature.fn(*positional, **arguments))
        async with AsyncExitStack() as stack:
            arguments |= await self._injector.provide(signature.dependencies, attempt.context, stack)
            if signature.is_async:
                result = await signature.fn(*positional, **arguments)
            else:
                result = await self._in_thread(attempt, partial(signature.fn, *positional, **arguments))
        _check_not_swallowed(result)
        return attempt.step.output.encode(result)

    async def _in_thread(self, attempt: Attempt, call: partial[Any]) -> Any:
        """A synchronous function that has async dependencies. They are not cleaned up before it has really ended."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Any] = loop.create_future()
        context = contextvars.copy_context()

        def work() -> None:
            result, error = None, None
            attempt.thread_id = threading.get_ident()
            try:
                result = context.run(call)
            except BaseException as raised:  # noqa: BLE001 - it is raised where the step is awaited
                error = raised
            finally:
                attempt.thread_id = None
            with suppress(RuntimeError):  # the loop is gone, and with it whoever waited
                loop.call_soon_threadsafe(_set, done, result, error)

        self._pool.submit([work])
        while not done.done():
            try:
                await asyncio.shield(done)
            except asyncio.CancelledError:
                # nothing can stop a thread; the context says that it should stop, and its result will be dropped
                continue
            except BaseException:  # noqa: BLE001 - raised by `result` below
                break
        return done.result()

    def _blocked(self, attempt: Attempt, seconds: float) -> None:
        step = attempt.step
        times = self._stalls[step.what] = self._stalls.get(step.what, 0) + 1
        # once may be a module's import, or a machine that is too busy; told is what happens again, or is very long
        if step.what in self._told or (times == 1 and seconds < LONG_STALL_S):
            return
        self._told.add(step.what)
        log.warning(
            "%s: %s blocked the event loop for %d ms; everything else in this worker waited. Make it a plain `def`, "
            "which runs in a thread, or await what takes so long (asyncio.to_thread for blocking calls).",
            step.at,
            step.what,
            seconds * 1000,
        )

    # ── In a thread ──────────────────────────────────────────────────────────────────────────────────────────────────

    def run_in_thread(self, attempt: Attempt) -> None:
        """One attempt of a synchronous step, in the pool, from beginning to end. Never raises."""
        contextvars.copy_context().run(self._run_in_thread, attempt)

    def _run_in_thread(self, attempt: Attempt) -> None:
        running_context.set(attempt.context)
        if not self._ledger.begin(attempt):
            self._ledger.free(attempt)
            return
        attempt.thread_id = threading.get_ident()
        report: Report | None = None
        try:
            output = self._result_in_thread(attempt)
            attempt.thread_id = None
            report = attempt.succeeded(output)
        except BaseException as error:  # noqa: BLE001 - whatever a step raises is data, SystemExit too
            attempt.thread_id = None
            report = attempt.failed(error)
        finally:
            self._ledger.end(attempt, report)

    @staticmethod
    def _result_in_thread(attempt: Attempt) -> bytes:
        signature = attempt.step.signature
        assert signature is not None
        arguments = attempt.step.document.decode(attempt.assign.input)
        positional = (attempt.context,) if signature.takes_context else ()
        if not signature.dependencies:
            return attempt.step.output.encode(signature.fn(*positional, **arguments))
        result = _NOTHING
        with ExitStack() as stack:
            arguments |= provide_in_thread(signature.dependencies, attempt.context, stack)
            result = signature.fn(*positional, **arguments)
        _check_not_swallowed(result)
        return attempt.step.output.encode(result)


def _check_not_swallowed(result: Any) -> None:
    """A dependency's clean-up sees the step's exception, but may not make it disappear: there is no result."""
    if result is _NOTHING:
        raise MulliganError(
            "The step raised an exception and one of its dependencies swallowed it after its `yield`, so there is "
            "neither a result nor a reason. Re-raise it there."
        )


def _set(done: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if error is not None:
        # a future cannot hold a StopIteration; to the user it is the same exception in a wrapper
        done.set_exception(RuntimeError("the step raised StopIteration") if isinstance(error, StopIteration) else error)
    else:
        done.set_result(result)
