"""Payloads are bytes: what was written comes back to the letter."""

from __future__ import annotations

import pytest

from mulligan.ports.store import Store
from mulligan.testing.exercise_store.talk import ANY, commit, know
from mulligan.testing.factories import changes, make_attempt, make_run

EXACT = {
    "null": b"null",
    "escaped NUL": b'{"a":"\\u0000","\\u0000":1}',
    "escapes left alone": b'"\\u00e9\\/\\ud83d\\ude00"',
    "big integers": b"[9007199254740993,-18446744073709551616,123456789012345678901234567890]",
    "numbers as written": b"[1.0,1e2,-0,0.10,1E+400]",
    "key order and spaces": b'{ "z" : 1,\n\t"a" : {"c":[ ]} }',
    "repeated keys": b'{"a":1,"a":2}',
    "every script": '{"\N{SNOWMAN}":"\u202eabc \U0001f3cc"}'.encode(),
    "deep": b"[" * 100 + b"]" * 100,
    "just inline": b'"' + b"x" * 510 + b'"',
    "just too large to be inline": b'"' + b"x" * 511 + b'"',
    "4 MiB": b'"' + b"x" * (4 * 1024 * 1024 - 2) + b'"',
}


class Payloads:
    @pytest.mark.parametrize("payload", EXACT.values(), ids=EXACT.keys())
    async def test_payloads_come_back_to_the_letter(self, store: Store, payload: bytes) -> None:
        await know(store)
        run = make_run()
        await commit(store, changes((run, payload), attempts_added=[(make_attempt(run), payload)]))
        produced = await store.payloads([run.id], [(run.id, "say", 1)])
        assert produced.inputs == {run.id: payload}
        assert produced.outputs == {(run.id, "say", 1): payload}
        [row] = await store.find_runs("default", ANY, None, 1)
        assert row.input_head == payload.decode()[:200]

    async def test_payloads_that_do_not_exist_are_absent(self, store: Store) -> None:
        await know(store)
        run = make_run()
        failed, null = make_attempt(run), make_attempt(run, number=2)
        await commit(store, changes(run, attempts_added=[(failed, None), (null, b"null")]))
        refs = [(run.id, "say", number) for number in (1, 2, 3)] + [("nobody", "say", 1)]
        produced = await store.payloads([run.id, "nobody"], refs)
        assert set(produced.inputs) == {run.id}
        assert produced.outputs == {(run.id, "say", 2): b"null"}

    async def test_many_payloads_are_read_at_once(self, store: Store) -> None:
        await know(store)
        runs = [make_run() for _ in range(300)]
        written = [(run, b"%d" % index * (1 + index % 400)) for index, run in enumerate(runs)]
        attempts = [(make_attempt(run, step=f"s{index}"), b"[%d]" % index) for index, run in enumerate(runs)]
        await commit(store, changes(*written, attempts_added=attempts))
        refs = [(attempt.run_id, attempt.step, 1) for attempt, _ in attempts]
        produced = await store.payloads([run.id for run in runs], refs)
        assert produced.inputs == {run.id: payload for run, payload in written}
        assert produced.outputs == dict(zip(refs, (output for _, output in attempts), strict=True))
