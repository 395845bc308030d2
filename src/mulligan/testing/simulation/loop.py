"""An asyncio loop in which time is a number, the seed decides who goes on next, and a process can die at any await."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextlib import suppress
from contextvars import Context, ContextVar, copy_context
from queue import SimpleQueue
from random import Random
from typing import Any, TypeVar, cast

T = TypeVar("T")

PATIENCE = 1_000_000
"""So many steps without time moving on are a busy loop."""


class Stalled(AssertionError):
    """Nothing can ever happen again, or everything happens and time stands still: a bug of whoever runs here."""


class Process:
    """What a computer would call so: it can be killed between any two of its steps, and stopped for a while.

    A killed process never runs another line, not even a ``finally``; what it held is let go by ``at_death``.
    """

    def __init__(self, name: str, loop: SimulatedLoop, life: int = 1) -> None:
        self.name = name
        self.life = life
        self.alive = True
        self.steps_left: int | None = None
        self._loop = loop
        self.is_stopped = False
        self._held: list[Step] = []
        self._at_death: list[Callable[[], None]] = []
        self.context = copy_context()
        self.context.run(PROCESS.set, self)

    def __repr__(self) -> str:
        return f"<{self.name}, life {self.life}>"

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Start a task of this process. What it raises is a failure of the world."""
        _ = self._loop.create_task(work, context=self.context.copy())

    def call(self, function: Callable[..., None], *args: Any) -> Step:
        """Call ``function`` soon, as this process."""
        return self._loop.call_soon(function, *args, context=self.context)

    def call_at(self, when: float, function: Callable[..., None], *args: Any) -> Step:
        return self._loop.call_at(when, function, *args, context=self.context)

    def at_death(self, callback: Callable[[], None]) -> None:
        self._at_death.append(callback)

    def kill(self) -> None:
        """Now, as by SIGKILL."""
        if not self.alive:
            return
        self.alive = False
        self._held.clear()
        for callback in self._at_death:
            callback()

    def kill_after(self, steps: int) -> None:
        """Die at one of the next awaits, wherever that is."""
        self.steps_left = steps

    def stop(self) -> None:
        """As by SIGSTOP: nothing runs until ``resume``."""
        self.is_stopped = True

    def resume(self) -> None:
        self.is_stopped = False
        held, self._held = self._held, []
        for step in held:
            self._loop.take(step)

    def hold(self, step: Step) -> None:
        if self.alive:
            self._held.append(step)


PROCESS: ContextVar[Process | None] = ContextVar("process", default=None)


class Step(asyncio.TimerHandle):
    """One callback of one process. Slimmer than asyncio's own: an hour makes a hundred thousand of them."""

    __slots__ = ("args", "at", "callback", "context", "is_cancelled", "process")

    def __init__(self, at: float, callback: Callable[..., Any], args: tuple[Any, ...], context: Context) -> None:
        self.at = at
        self.callback = callback
        self.args = args
        self.context = context
        self.process: Process | None = context.get(PROCESS)
        self.is_cancelled = False

    def __repr__(self) -> str:
        return f"<Step {self.callback!r} of {self.process!r}>"

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other

    def cancel(self) -> None:
        self.is_cancelled = True

    def cancelled(self) -> bool:
        return self.is_cancelled

    def when(self) -> float:
        return self.at


class SimulatedLoop(asyncio.BaseEventLoop):
    """Enough of a loop for tasks, futures, locks and sleeping. No sockets; threads only through ``complete``.

    Whoever finds something wrong sets ``verdict``: the world ends with it, wherever the engine might have caught it.

    ``shuffle``: the next step is drawn from all that are ready. asyncio promises an order; what is correct only in
    that order would be a trap for whoever changes it.
    """

    def __init__(self, random: Random, *, shuffle: bool = True) -> None:
        self._running = False
        self._is_over = False
        super().__init__()
        self._random = random
        self._shuffle = shuffle
        self._now = 0.0
        self._steps_ready: list[Step] = []
        self._timers: list[tuple[float, int, Step]] = []
        self._order = itertools.count()
        self._from_threads: SimpleQueue[Step] = SimpleQueue()
        self._tasks: list[asyncio.Task[Any]] = []
        self._tasks_limit = 1_000
        self._steps_before = 0
        """As time last moved on."""
        self.steps = 0
        self.failures: list[str] = []
        self.verdict: BaseException | None = None

    # ── Running ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def run_until_complete(self, future: Generator[Any, None, T] | Awaitable[T]) -> T:
        """Run until ``future`` is done. Raises ``Stalled`` when that can never be."""
        asyncio._set_running_loop(self)
        self._running = True
        try:
            task = asyncio.ensure_future(cast(Awaitable[T], future), loop=self)
            run_step = self._run_step
            while not task.done() and self.verdict is None:
                run_step()
            if self.verdict is not None:
                raise self.verdict
            return task.result()
        finally:
            self._running = False
            asyncio._set_running_loop(None)

    def _run_step(self) -> None:
        ready = self._steps_ready
        if not ready:
            self._turn_clock()
            ready = self._steps_ready
        step = ready.pop() if len(ready) == 1 else self._draw_step(ready)
        if step.is_cancelled:
            return
        process = step.process
        if process is not None and (process.is_stopped or not process.alive):
            process.hold(step)
            return
        self.steps += 1
        if self.steps - self._steps_before > PATIENCE:
            raise Stalled(f"time stands still at {self._now} s: {step!r} and others go round in circles")
        step.context.run(step.callback, *step.args)
        if process is not None and process.steps_left is not None:
            process.steps_left -= 1
            if process.steps_left <= 0:
                process.kill()

    def _draw_step(self, ready: list[Step]) -> Step:
        if not self._shuffle:
            return ready.pop(0)
        index = int(self._random.random() * len(ready))
        step = ready[index]
        ready[index] = ready[-1]
        ready.pop()
        return step

    def _turn_clock(self) -> None:
        timers = self._timers
        while timers and timers[0][2].is_cancelled:
            heapq.heappop(timers)
        if not timers:
            raise Stalled("nothing is ready and nobody waits for time: this can never go on")
        now = self._now = max(self._now, timers[0][0])
        self._steps_before = self.steps
        while timers and timers[0][0] <= now:
            self._steps_ready.append(heapq.heappop(timers)[2])

    def take(self, step: Step) -> None:
        """Run ``step``, which was held back, after all."""
        self._steps_ready.append(step)

    def time(self) -> float:
        return self._now

    def is_running(self) -> bool:
        return self._running

    def is_closed(self) -> bool:
        return self._is_over

    def close(self) -> None:
        """End what is left, quietly: nobody wants to hear what was unfinished when the world ended."""
        for task in self._tasks:
            if not task.done():
                task._log_destroy_pending = False  # type: ignore[attr-defined]  # asyncio has no public word for it
                with suppress(BaseException):
                    task.get_coro().close()
        self._tasks.clear()
        self._steps_ready.clear()
        self._timers.clear()
        self._is_over = True

    def get_debug(self) -> bool:
        return False

    # ── Scheduling ───────────────────────────────────────────────────────────────────────────────────────────────────

    def call_soon(  # type: ignore[override]  # typeshed wants to relate callback and args; they are passed on as given
        self, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> Step:
        step = Step(self._now, callback, args, copy_context() if context is None else context)
        self._steps_ready.append(step)
        return step

    def call_later(  # type: ignore[override]  # as above
        self, delay: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> Step:
        return self.call_at(self._now + max(delay, 0.0), callback, *args, context=context)

    def call_at(  # type: ignore[override]  # as above
        self, when: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> Step:
        step = Step(when, callback, args, copy_context() if context is None else context)
        heapq.heappush(self._timers, (when, next(self._order), step))
        return step

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, *, name: object = None, context: Context | None = None) -> asyncio.Task[Any]:
        """Tasks are held here until they are done: one that was forgotten would run its ``finally`` at any moment."""
        task: asyncio.Task[Any] = asyncio.Task(
            coro, loop=self, name=None if name is None else str(name), context=context
        )
        self._tasks.append(task)
        if len(self._tasks) > self._tasks_limit:
            self._tasks = [each for each in self._tasks if not each.done()]
            self._tasks_limit = 2 * len(self._tasks) + 1_000
        return task

    # ── Threads ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def call_soon_threadsafe(  # type: ignore[override]  # as above
        self, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> Step:
        step = Step(self._now, callback, args, copy_context() if context is None else context)
        self._from_threads.put(step)
        return step

    def complete(self, work: Coroutine[Any, Any, T]) -> T:
        """Carry out something that only threads are needed for (a call of a real store), within the step that asks.

        The world stands still meanwhile, so that a thread's speed is no chance.
        """
        while True:
            try:
                awaited = work.send(None)
            except StopIteration as stop:
                return cast(T, stop.value)
            while not (awaited is None or awaited.done()):
                step = self._from_threads.get(timeout=60)
                step.callback(*step.args)

    def run_in_executor(  # type: ignore[override]  # as above
        self, executor: Any, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        """What a thread is asked for is waited for here, for the same reason."""
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args) if executor is None else executor.submit(func, *args).result())
        except Exception as error:  # noqa: BLE001 (it is raised again by whoever awaits the future)
            future.set_exception(error)
        return future

    # ── Failures ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Whatever nobody caught is kept: the simulation fails with it."""
        self.failures.append(f"{context.get('message')}: {context.get('exception')!r}")

    def default_exception_handler(self, context: dict[str, Any]) -> None:
        self.call_exception_handler(context)
