"""What a replica knows of tokens: what is made elsewhere at once, what is revoked here at once."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from mulligan.server.tokens import TokenBook
from mulligan.testing.clock import settle
from tests.server.conftest import admit

if TYPE_CHECKING:
    import pytest

    from mulligan.core.records import AccessToken
    from tests.server.conftest import Desk


def count_reads(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> list[None]:
    reads: list[None] = []
    real = desk.engine.store.tokens

    async def tokens(namespace: str | None) -> list[AccessToken]:
        reads.append(None)
        return await real(namespace)

    monkeypatch.setattr(desk.engine.store, "tokens", tokens)
    return reads


async def test_a_token_that_another_replica_has_made_is_known_at_once(desk: Desk) -> None:
    book = TokenBook(desk.engine)
    assert await book.by_text(desk.tokens["read"]) is not None
    made = await admit(desk.engine, "new", "read")
    assert await book.by_text(made) is not None


async def test_whoever_guesses_has_the_tokens_read_once_a_second_at_most(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = count_reads(desk, monkeypatch)
    book = TokenBook(desk.engine)
    for _ in range(4):
        for number in range(10):
            assert await book.by_text(f"mlg_{number:08d}_{'0' * 64}") is None
        await desk.clock.advance(timedelta(seconds=1))
    assert len(reads) == 1 + 4
    assert await book.by_text(desk.tokens["read"]) is not None
    assert len(reads) == 1 + 4


async def test_a_token_that_is_revoked_while_the_tokens_are_read_is_revoked(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = TokenBook(desk.engine)
    token = await book.by_text(desk.tokens["read"])
    assert token is not None
    await desk.clock.advance(timedelta(seconds=6))
    real, answering = desk.engine.store.tokens, asyncio.Event()

    async def tokens(namespace: str | None) -> list[AccessToken]:
        found = await real(namespace)
        await answering.wait()
        return found

    monkeypatch.setattr(desk.engine.store, "tokens", tokens)
    asking = asyncio.ensure_future(book.by_text(desk.tokens["operate"]))
    await settle()
    await book.save(msgspec.structs.replace(token, revoked_at=desk.clock.now()))
    answering.set()
    assert await asking is not None
    assert await book.by_text(desk.tokens["read"]) is None
