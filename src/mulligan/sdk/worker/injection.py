"""Making what ``depends`` asks for, and cleaning it up again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from typing import Any

from mulligan.sdk.context import Context
from mulligan.sdk.declare.dependency import Dependency

Provider = Callable[..., Any]


class Injector:
    """One per worker; it keeps what lives as long as the worker. Async methods are for the steps' event loop only."""

    def __init__(self) -> None:
        self._shared: dict[Provider, Any] = {}
        self._locks: dict[Provider, asyncio.Lock] = {}
        self._stack = AsyncExitStack()

    async def provide(
        self, wanted: Mapping[str, Dependency], context: Context, stack: AsyncExitStack
    ) -> dict[str, Any]:
        """Values by argument name. Leaving ``stack`` cleans up what lives for one step."""
        made: dict[Provider, Any] = {}
        return {name: await self._make(one, context, stack, made) for name, one in wanted.items()}

    async def close(self) -> None:
        """Clean up what lived as long as the worker, in reverse order."""
        self._shared.clear()
        await self._stack.aclose()

    async def _make(
        self, wanted: Dependency, context: Context, stack: AsyncExitStack, made: dict[Provider, Any]
    ) -> Any:
        if wanted.scope == "worker":
            async with self._locks.setdefault(wanted.provider, asyncio.Lock()):
                if wanted.provider not in self._shared:
                    self._shared[wanted.provider] = await self._enter(wanted, context, self._stack, {})
                return self._shared[wanted.provider]
        if wanted.provider not in made:
            made[wanted.provider] = await self._enter(wanted, context, stack, made)
        return made[wanted.provider]

    async def _enter(
        self, wanted: Dependency, context: Context, stack: AsyncExitStack, made: dict[Provider, Any]
    ) -> Any:
        needs = {name: await self._make(need, context, stack, made) for name, need in wanted.needs.items()}
        if wanted.context_argument is not None:
            needs[wanted.context_argument] = context
        match wanted.kind:
            case "async generator":
                return await stack.enter_async_context(asynccontextmanager(wanted.provider)(**needs))
            case "generator":
                return stack.enter_context(contextmanager(wanted.provider)(**needs))
            case "coroutine":
                return await wanted.provider(**needs)
            case "function":
                return wanted.provider(**needs)


def provide_in_thread(wanted: Mapping[str, Dependency], context: Context, stack: ExitStack) -> dict[str, Any]:
    """The same for a synchronous step that needs nothing async: made in the thread that the step runs in."""
    made: dict[Provider, Any] = {}
    return {name: _make_in_thread(one, context, stack, made) for name, one in wanted.items()}


def _make_in_thread(wanted: Dependency, context: Context, stack: ExitStack, made: dict[Provider, Any]) -> Any:
    if wanted.provider not in made:
        needs = {name: _make_in_thread(need, context, stack, made) for name, need in wanted.needs.items()}
        if wanted.context_argument is not None:
            needs[wanted.context_argument] = context
        if wanted.kind == "generator":
            value = stack.enter_context(contextmanager(wanted.provider)(**needs))
        else:
            value = wanted.provider(**needs)
        made[wanted.provider] = value
    return made[wanted.provider]
