"""Every condition of a ``RunFilter``, alone and together, on a small population of runs."""

from __future__ import annotations

import pytest

from mulligan.core.query import FieldTest, RunFilter
from mulligan.core.records import OpenState, Outcome, RunStatus
from mulligan.ports.store import Store
from mulligan.testing.exercise_store.talk import commit, ids, know
from mulligan.testing.factories import after, changes, make_attempt, make_open_step, make_run, make_version

ODD_INPUTS = {
    "odd-not-json": b"{not json",
    "odd-empty": b"",
    "odd-text": b'"doc"',
    "odd-list": b'[{"doc":{"lang":"fr"}}]',
    "odd-null-inside": b'{"doc":null,"flag":true,"n":1.0,"list":[1],"doc.lang":"fr","":{"":"empty"}}',
    "odd-nan": b'{"doc":{"lang":NaN}}',
    "odd-deep": b'{"doc":' * 90 + b"1" + b"}" * 90,
    "odd-quote": b'{"a\\"b":{"c\\\\d":"q"},"caf\\u00e9":"\\u0000x"}',
    "odd-big": b'{"n":123456789012345678901234567890,"e":1e2,"doc":{"lang":"' + b"x" * 600 + b'"}}',
}


async def populate(store: Store) -> None:
    await know(store, "greet", "report")
    await commit(store, changes(versions_added=[make_version(digest="greet-2", number=2)]))
    queued = make_run(id="queued", created_at=after(0), metadata={"team": "web", "a.b": "c"})
    running = make_run(id="running", created_at=after(10), version="greet-2", idempotency_key="Order-100%")
    retrying = make_run(id="retrying", created_at=after(20), workflow="report")
    succeeded = make_run(
        id="succeeded",
        parent_id="queued",
        parent_step="say",
        created_at=after(30),
        status=RunStatus.SUCCEEDED,
        finished_at=after(31),
        metadata={"team": "Web"},
    )
    failed = make_run(
        id="failed",
        created_at=after(40),
        status=RunStatus.FAILED,
        finished_at=after(50),
        failed_step="say",
        error_type="app.RateLimit",
        error_message="Slow down: 50%_of O'Reilly's \N{LATIN CAPITAL LETTER E WITH ACUTE}tage",
        fingerprint="f1",
    )
    replayed = make_run(
        id="replayed",
        created_at=after(60),
        status=RunStatus.CANCELLED,
        finished_at=after(61),
        source_id="failed",
        family_id="failed",
        bulk_id="all",
        generation=1,
        failed_step="wave",
        error_type="app.Timeout",
        fingerprint="f2",
    )
    await commit(
        store,
        changes(
            (queued, b'{"doc":{"lang":"fr"},"n":5}'),
            (running, b'{"doc":{"lang":"de"},"n":"5"}'),
            (retrying, b'{"doc":{"lang":["fr"]}}'),
            (succeeded, b'{"n":50}'),
            failed,
            replayed,
            opened=(
                make_open_step(queued),
                make_open_step(running, state=OpenState.LEASED, attempt=1, worker_id="w", token="t"),
                make_open_step(retrying, state=OpenState.RETRYING, attempt=2, due_at=after(99)),
            ),
            attempts_added=[
                (make_attempt(retrying, outcome=Outcome.FAILED), None),
                (make_attempt(retrying, number=2, outcome=Outcome.FAILED), None),
                (make_attempt(succeeded), b"1"),
                (make_attempt(failed, number=3, outcome=Outcome.FAILED), None),
            ],
        ),
    )


EVERYTHING = ["succeeded", "running", "retrying", "replayed", "queued", "failed"]

CASES: dict[str, tuple[RunFilter, list[str]]] = {
    "nothing asked": (RunFilter(), EVERYTHING),
    "ids": (RunFilter(ids=("queued", "failed", "nobody")), ["queued", "failed"]),
    "one id": (RunFilter(ids=("failed",)), ["failed"]),
    "queued": (RunFilter(statuses=("queued",)), ["queued"]),
    "running": (RunFilter(statuses=("running",)), ["running", "retrying"]),
    "running or queued": (RunFilter(statuses=("running", "queued")), ["running", "retrying", "queued"]),
    "ended": (RunFilter(statuses=("failed", "cancelled", "succeeded")), ["succeeded", "replayed", "failed"]),
    "unknown status": (RunFilter(statuses=("lost",)), []),
    "not ended": (RunFilter(not_statuses=("succeeded", "failed", "cancelled")), ["running", "retrying", "queued"]),
    "not queued": (RunFilter(not_statuses=("queued",)), ["succeeded", "running", "retrying", "replayed", "failed"]),
    "workflow": (RunFilter(workflows=("report",)), ["retrying"]),
    "workflows": (RunFilter(workflows=("report", "greet")), EVERYTHING),
    "not workflow": (RunFilter(not_workflows=("greet",)), ["retrying"]),
    "not workflows": (RunFilter(not_workflows=("greet", "report")), []),
    "version by digest": (RunFilter(versions=("greet-2",)), ["running"]),
    "version by number": (RunFilter(versions=("2",)), ["running"]),
    "versions": (RunFilter(versions=("2", "report-1")), ["running", "retrying"]),
    "failed step": (RunFilter(failed_steps=("say",)), ["failed"]),
    "fingerprints": (RunFilter(fingerprints=("f1", "f2")), ["replayed", "failed"]),
    "error type": (RunFilter(error_types=("app.RateLimit",)), ["failed"]),
    "error type is exact": (RunFilter(error_types=("RateLimit",)), []),
    "error text in the type": (RunFilter(error_contains=("ratelimit",)), ["failed"]),
    "error text in the message": (RunFilter(error_contains=("SLOW down: 50%_of o'reilly",)), ["failed"]),
    "error text over both": (RunFilter(error_contains=("RateLimit: Slow",)), ["failed"]),
    "error texts": (RunFilter(error_contains=("app.", "timeout")), ["replayed"]),
    "percent is no wildcard": (RunFilter(error_contains=("5%_of",)), []),
    "only ASCII is folded": (RunFilter(error_contains=("\N{LATIN SMALL LETTER E WITH ACUTE}tage",)), []),
    "source": (RunFilter(source_ids=("failed",)), ["replayed"]),
    "children": (RunFilter(parent_ids=("queued", "nobody")), ["succeeded"]),
    "bulk": (RunFilter(bulk_ids=("all",)), ["replayed"]),
    "family": (RunFilter(family_ids=("failed",)), ["replayed", "failed"]),
    "family of a replay": (RunFilter(family_ids=("replayed",)), []),
    "replays": (RunFilter(replays_only=True), ["replayed"]),
    "no replays": (RunFilter(replays_only=False), ["succeeded", "running", "retrying", "queued", "failed"]),
    "from an id": (RunFilter(from_id="replayed"), ["succeeded", "running", "retrying", "replayed"]),
    "from an id of nobody": (RunFilter(from_id="s", inputs=(FieldTest(("n",), "50"),)), ["succeeded"]),
    "since": (RunFilter(since_at=after(40)), ["replayed", "failed"]),
    "until": (RunFilter(until_at=after(20)), ["running", "queued"]),
    "between": (RunFilter(since_at=after(10), until_at=after(30)), ["running", "retrying"]),
    "one attempt": (RunFilter(min_attempts=1), ["succeeded", "running", "retrying", "failed"]),
    "two attempts": (RunFilter(min_attempts=2), ["retrying", "failed"]),
    "no attempt": (RunFilter(min_attempts=0), EVERYTHING),
    "input": (RunFilter(inputs=(FieldTest(("doc", "lang"), "fr"),)), ["queued"]),
    "input number or text": (RunFilter(inputs=(FieldTest(("n",), "5"),)), ["running", "queued"]),
    "input object": (RunFilter(inputs=(FieldTest(("doc",), '{"lang":"fr"}'),)), []),
    "inputs": (RunFilter(inputs=(FieldTest(("doc", "lang"), "de"), FieldTest(("n",), "5"))), ["running"]),
    "tag": (RunFilter(tags=(FieldTest(("team",), "web"),)), ["queued"]),
    "tag with a dot": (RunFilter(tags=(FieldTest(("a", "b"), "c"), FieldTest(("team",), "web"))), ["queued"]),
    "not tag": (
        RunFilter(not_tags=(FieldTest(("team",), "web"),)),
        ["succeeded", "running", "retrying", "replayed", "failed"],
    ),
    "words": (RunFilter(text=("RATE", "fail")), ["failed"]),
    "word in the key": (RunFilter(text=("order-100%",)), ["running"]),
    "word in the workflow": (RunFilter(text=("repor",)), ["retrying"]),
    "unknown word": (RunFilter(text=("nonesuch",)), []),
    "injection": (RunFilter(text=("' OR 1=1 --",), workflows=("'; DROP TABLE runs",)), []),
    "together": (
        RunFilter(
            statuses=("failed", "cancelled"), error_contains=("app",), since_at=after(50), family_ids=("failed",)
        ),
        ["replayed"],
    ),
}

ODD_CASES: dict[str, tuple[tuple[str, ...], str, list[str]]] = {
    "through what is no object": (("doc", "lang"), "fr", []),
    "null": (("doc",), "null", ["odd-null-inside"]),
    "true": (("flag",), "true", ["odd-null-inside"]),
    "true is not 1": (("flag",), "1", []),
    "number as written": (("n",), "1.0", ["odd-null-inside"]),
    "number written otherwise": (("n",), "1", []),
    "big integer": (("n",), "123456789012345678901234567890", ["odd-big"]),
    "exponent": (("e",), "1e2", ["odd-big"]),
    "list": (("list",), "[1]", []),
    "no index": (("list", "0"), "1", []),
    "dots are no names": (("doc.lang",), "fr", ["odd-null-inside"]),
    "empty names": (("", ""), "empty", ["odd-null-inside"]),
    "quotes and backslashes": (('a"b', "c\\d"), "q", ["odd-quote"]),
    "escaped name and NUL": (("caf\N{LATIN SMALL LETTER E WITH ACUTE}",), "\x00x", ["odd-quote"]),
    "deep": (("doc",) * 90, "1", ["odd-deep"]),
    "bracket": (("list[0]",), "1", []),
    "dollar": (("$",), "1", []),
}


class Filters:
    @pytest.mark.parametrize("case", CASES)
    async def test_a_filter_finds_counts_and_charts_the_same_runs(self, store: Store, case: str) -> None:
        await populate(store)
        wanted, expected = CASES[case]
        assert await ids(store, wanted) == expected
        assert sum((await store.count_runs("default", wanted)).values()) == len(expected)
        bars = await store.histogram("default", wanted, after(0), 25)
        assert sum(count for bar in bars for count in bar.counts.values()) == len(expected)

    @pytest.mark.parametrize("case", CASES)
    async def test_each_row_of_a_filter_is_found_by_its_number(self, store: Store, case: str) -> None:
        await populate(store)
        wanted, expected = CASES[case]
        rows = await store.find_runs("default", wanted, None, 10)
        found = [await store.nth_run("default", wanted, None, number) for number in range(1, len(rows) + 2)]
        assert found == [*((row.run.id, row.run.created_at) for row in rows), None]
        if expected:
            second = found[1]
            assert await store.nth_run("default", wanted, expected[0], 1) == second
        assert await store.nth_run("elsewhere", wanted, None, 1) is None

    @pytest.mark.parametrize("case", CASES)
    async def test_a_filter_counts_by_workflow_what_it_counts_of_each(self, store: Store, case: str) -> None:
        await populate(store)
        wanted, _ = CASES[case]
        counts = await store.count_runs_by_workflow("default", wanted)
        rows = await store.find_runs("default", wanted, None, 10)
        assert set(counts) == {row.run.workflow for row in rows}
        for name in counts:
            among = [row.run.id for row in rows if row.run.workflow == name]
            assert counts[name] == await store.count_runs("default", RunFilter(ids=tuple(among)))

    async def test_the_next_page_of_a_filter_begins_after_the_last_row(self, store: Store) -> None:
        await populate(store)
        wanted = RunFilter(statuses=("running", "queued"))
        rows = await store.find_runs("default", wanted, "running", 1)
        assert [row.run.id for row in rows] == ["retrying"]

    async def test_odd_inputs_never_turn_a_search_into_an_error(self, store: Store) -> None:
        await know(store)
        await commit(store, changes(*[(make_run(id=id_), payload) for id_, payload in ODD_INPUTS.items()]))
        found = {
            case: await ids(store, RunFilter(inputs=(FieldTest(path, value),)))
            for case, (path, value, _) in ODD_CASES.items()
        }
        assert found == {case: expected for case, (_, _, expected) in ODD_CASES.items()}
