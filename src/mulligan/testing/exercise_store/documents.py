"""What people keep under a name, and how deep the queues are."""

from __future__ import annotations

import msgspec

from mulligan.core.facts import Changes
from mulligan.core.records import Document, DocumentKind, OpenState, QueueDepth
from mulligan.ports.store import Store
from mulligan.testing.exercise_store.talk import claim, commit, know, load
from mulligan.testing.factories import START, after, changes, make_open_step, make_run


def kept(key: str, kind: DocumentKind = DocumentKind.VIEW, namespace: str = "default") -> Document:
    return Document(namespace, kind, key, '{"n":12345678901234567890}', START, "ada")


def saving(*documents: Document) -> Changes:
    return Changes(documents_saved={(each.namespace, each.kind, each.key): each for each in documents})


class Documents:
    async def test_documents_are_listed_by_key(self, store: Store) -> None:
        b, a, pin = kept("b"), kept("a \N{SNOWMAN}\x00'"), kept("a", DocumentKind.PIN)
        theirs = kept("a", namespace="other")
        await commit(store, saving(b, a, pin, theirs))
        assert await store.documents("default", DocumentKind.VIEW) == [a, b]
        assert await store.documents("default", DocumentKind.PIN) == [pin]
        assert await store.documents("default", DocumentKind.DRAFT) == []
        assert await store.documents("other", DocumentKind.VIEW) == [theirs]

    async def test_a_document_is_kept_in_place_of_the_one_before(self, store: Store) -> None:
        first, other = kept("a"), kept("b")
        second = msgspec.structs.replace(first, value="null", at=after(1), by="bob")
        await commit(store, saving(first, other))
        await commit(store, saving(second))
        assert await store.documents("default", DocumentKind.VIEW) == [second, other]

    async def test_one_document_is_found_by_its_key(self, store: Store) -> None:
        odd, pin, theirs = kept("a \N{SNOWMAN}\x00'"), kept("pin", DocumentKind.PIN), kept("b", namespace="other")
        await commit(store, saving(odd, pin, theirs, kept("c")))
        assert await store.document("default", DocumentKind.VIEW, odd.key) == odd
        assert await store.document("default", DocumentKind.VIEW, "b") is None
        assert await store.document("default", DocumentKind.VIEW, "pin") is None
        assert await store.document("other", DocumentKind.VIEW, "b") == theirs

    async def test_documents_are_counted_and_measured_together(self, store: Store) -> None:
        text = msgspec.json.encode('\x00\N{SNOWMAN}"' * 100_000).decode()
        large = msgspec.structs.replace(kept("b"), value=text)
        mine = [kept("a \N{SNOWMAN}\x00'"), large]
        await commit(store, saving(*mine, kept("a", DocumentKind.PIN), kept("c", namespace="other")))
        size = sum(len(msgspec.json.encode(each)) for each in mine)
        assert size > 1_000_000
        assert await store.documents_size("default", DocumentKind.VIEW) == (2, size)
        assert await store.documents_size("default", DocumentKind.DRAFT) == (0, 0)

    async def test_the_document_that_was_kept_first_is_named(self, store: Store) -> None:
        assert await store.oldest_document("default", DocumentKind.DRAFT) is None
        ages = {"z": 5, "c\x00": 1.000001, "a": 1.5, "b": 1.5, "y": 20}
        mine = [
            msgspec.structs.replace(kept(key, DocumentKind.DRAFT), at=after(at), value='{"at":"2000Z\x00"}')
            for key, at in ages.items()
        ]
        await commit(store, saving(*mine, kept("view"), kept("theirs", DocumentKind.DRAFT, "other")))
        for key in ("c\x00", "a", "b", "z", "y"):
            assert await store.oldest_document("default", DocumentKind.DRAFT) == key
            await commit(store, Changes(documents_saved={("default", DocumentKind.DRAFT, key): None}))

    async def test_a_document_is_forgotten(self, store: Store) -> None:
        a, b = kept("a"), kept("b")
        await commit(store, saving(a, b))
        dropped: Changes = Changes(documents_saved={("default", DocumentKind.VIEW, "a"): None})
        await commit(store, dropped)
        await commit(store, dropped)
        assert await store.documents("default", DocumentKind.VIEW) == [b]

    async def test_only_wanted_documents_are_loaded(self, store: Store) -> None:
        view, pin = kept("a"), kept("a", DocumentKind.PIN)
        await commit(store, saving(view, pin, kept("b")))
        wanted = {
            ("default", DocumentKind.PIN, "a"),
            ("default", DocumentKind.PIN, "b"),
            ("other", DocumentKind.PIN, "a"),
        }
        facts = await load(store, documents=wanted)
        assert facts.documents == {("default", DocumentKind.PIN, "a"): pin}


class Depths:
    async def test_open_steps_are_counted_by_route_and_state(self, store: Store) -> None:
        await know(store)
        await know(store, namespace="other")
        runs = [make_run() for _ in range(5)]
        steps = [make_open_step(run, queued_at=after(index), since_at=after(9)) for index, run in enumerate(runs)]
        wave = {"step": "wave", "route": "greet/wave"}
        waiting = [
            make_open_step(runs[0], **wave, state=OpenState.RETRYING, since_at=after(2), due_at=after(9)),
            make_open_step(runs[1], **wave, state=OpenState.RETRYING, since_at=after(1), due_at=after(9)),
            make_open_step(runs[2], **wave, state=OpenState.SLEEPING, since_at=after(3), due_at=after(9)),
        ]
        theirs = make_run(namespace="other")
        await commit(store, changes(*runs, theirs, opened=(*steps, *waiting, make_open_step(theirs))))
        await commit(store, Changes(), [claim(slots=2)], now=after(20))
        assert await store.queue_depths("default") == [
            QueueDepth("greet", "say", "greet/say", OpenState.LEASED, 2, after(20)),
            QueueDepth("greet", "say", "greet/say", OpenState.READY, 3, after(2)),
            QueueDepth("greet", "wave", "greet/wave", OpenState.RETRYING, 2, after(1)),
            QueueDepth("greet", "wave", "greet/wave", OpenState.SLEEPING, 1, after(3)),
        ]
        assert await store.queue_depths("nobody") == []
