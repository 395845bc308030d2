"""The failure inbox over REST: groups by kind, what people say about them, what their runs have in common."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from mulligan.server.reading.inbox import differences
from mulligan.testing.clock import settle
from tests.server.conftest import HELLO, Desk, Function, StepFailed


def fail_with(message: str) -> Function:
    def fail(document: bytes) -> bytes:
        raise StepFailed(message)

    return fail


@pytest.fixture
async def two_kinds(desk: Desk) -> None:
    """Three runs that failed in one way, and one that failed in another."""
    await desk.worker()
    desk.functions["hello"] = fail_with("quota exceeded")
    for name, team in (("ada", "web"), ("ada", "web"), ("bob", "ops")):
        await desk.run(run_input={"name": name}, metadata={"team": team})
    await desk.failed_run()


async def test_failures_are_grouped_by_kind_and_sorted_by_impact(desk: Desk, two_kinds: None) -> None:
    inbox = await desk.get("/inbox")
    assert inbox["counts"] == {"open": 2, "snoozed": 0, "resolved": 0}
    first, second = inbox["items"]
    assert (first["workflow"], first["step"], first["count"], first["status"]) == ("hello", "hello", 3, "open")
    assert (second["workflow"], second["error_type"], second["count"]) == ("summarise", "app.StepFailed", 1)
    assert first["versions"][0]["number"] == 1
    assert len(first["samples"]) == 3
    assert len(first["activity"]) == 24
    assert sum(bar["counts"].get("failed", 0) for bar in first["activity"]) == 3
    assert (first["recurred"], first["note"]) == (False, None)


async def test_a_group_says_what_its_runs_have_in_common(desk: Desk, two_kinds: None) -> None:
    fingerprint = (await desk.get("/inbox"))["items"][0]["fingerprint"]
    group = await desk.get(f"/inbox/{fingerprint}")
    assert group["normalised"] == "app.StepFailed: quota exceeded"
    assert group["error"]["message"] == "quota exceeded"
    assert group["looked_at"] == 3
    facts = {fact["what"]: [(one["value"], one["count"]) for one in fact["values"]] for fact in group["differs_by"]}
    assert facts["version"] == [("1", 3)]
    assert facts["worker"] == [("eu-1", 3)]
    assert facts["input.name"] == [("ada", 2), ("bob", 1)]
    assert facts["tag.team"] == [("web", 2), ("ops", 1)]
    assert {run["id"] for run in group["runs"]} == set(group["samples"])


async def test_a_resolved_group_opens_again_when_it_recurs(desk: Desk, two_kinds: None) -> None:
    fingerprint = (await desk.get("/inbox"))["items"][0]["fingerprint"]
    resolved = await desk.post(f"/inbox/{fingerprint}", {"status": "resolved", "note": "quota raised"})
    assert (resolved["status"], resolved["note"]["note"], resolved["note"]["actor"]) == (
        "resolved",
        "quota raised",
        "admin",
    )
    assert [group["workflow"] for group in (await desk.get("/inbox"))["items"]] == ["summarise"]
    assert len((await desk.get("/inbox", status="resolved"))["items"]) == 1
    await desk.clock.advance(timedelta(seconds=1))
    await desk.run()
    (first, _) = (await desk.get("/inbox"))["items"]
    assert (first["status"], first["recurred"], first["count"]) == ("open", True, 4)


@pytest.mark.parametrize(
    ("until", "ends"),
    [({"for_s": 60}, 61), ({"until_at": "2026-01-01T00:10:00Z"}, 600), ({"until_more": 1}, 0)],
)
async def test_a_snooze_ends_when_it_was_to(desk: Desk, two_kinds: None, until: dict[str, object], ends: int) -> None:
    fingerprint = (await desk.get("/inbox"))["items"][0]["fingerprint"]
    snoozed = await desk.post(f"/inbox/{fingerprint}", {"status": "snoozed", **until})
    assert snoozed["status"] == "snoozed"
    assert (await desk.get("/inbox"))["counts"] == {"open": 1, "snoozed": 1, "resolved": 0}
    if ends:
        await desk.clock.advance(timedelta(seconds=ends))
    else:
        await desk.clock.advance(timedelta(seconds=1))
        await desk.run()
    assert (await desk.get(f"/inbox/{fingerprint}"))["status"] == "open"


async def test_a_snooze_until_more_fail_ends_in_the_inbox_too(desk: Desk, two_kinds: None) -> None:
    """Though the inbox shows only the runs of a day, and the group had others before."""
    await desk.clock.advance(timedelta(days=2))
    fingerprint = (await desk.get("/inbox", since="30d"))["items"][0]["fingerprint"]
    await desk.post(f"/inbox/{fingerprint}", {"status": "snoozed", "until_more": 2})
    await desk.clock.advance(timedelta(seconds=1))
    for counts in ({"open": 0, "snoozed": 1, "resolved": 0}, {"open": 1, "snoozed": 0, "resolved": 0}):
        await desk.run()
        assert (await desk.get("/inbox"))["counts"] == counts
    assert (await desk.get(f"/inbox/{fingerprint}"))["status"] == "open"


async def test_a_snooze_until_a_new_version_ends_with_it(desk: Desk, two_kinds: None) -> None:
    fingerprint = (await desk.get("/inbox"))["items"][0]["fingerprint"]
    await desk.post(f"/inbox/{fingerprint}", {"status": "snoozed", "until_version": True})
    await desk.run()
    assert (await desk.get(f"/inbox/{fingerprint}"))["status"] == "snoozed"
    await desk.worker([msgspec.structs.replace(HELLO, code="fixed")], id="worker-2")
    await desk.run()
    group = await desk.get(f"/inbox/{fingerprint}")
    assert (group["status"], {one["number"] for one in group["versions"]}) == ("open", {1, 2})


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("0" * 16, {"status": "resolved"}, 404, "not_found"),
        ("nope", {"status": "resolved"}, 404, "not_found"),
        ("%00", {"status": "resolved"}, 404, "not_found"),
        (None, {"status": "snoozed"}, 422, "invalid_input"),
        (None, {"status": "snoozed", "until_at": "2026-01-01T00:00:00"}, 422, "invalid_input"),
        (None, {"status": "snoozed", "for_s": 0}, 422, "invalid_input"),
        (None, {"status": "gone"}, 422, "invalid_input"),
        (None, {}, 422, "invalid_input"),
    ],
)
async def test_a_note_that_does_not_fit_is_refused(
    desk: Desk, two_kinds: None, path: str | None, body: dict[str, object], status: int, code: str
) -> None:
    path = path or (await desk.get("/inbox"))["items"][0]["fingerprint"]
    assert (await desk.post(f"/inbox/{path}", body, status))["code"] == code
    assert (await desk.get("/inbox"))["counts"]["open"] == 2


async def test_a_recovered_group_says_so(desk: Desk, two_kinds: None) -> None:
    group = (await desk.get("/inbox"))["items"][0]
    desk.functions["hello"] = lambda document: b'"fixed"'
    await desk.post(f"/runs/{group['samples'][0]}/replay", {"reason": "fixed"}, 201)
    await settle()
    again = await desk.get(f"/inbox/{group['fingerprint']}")
    assert (again["count"], again["replayed"], again["recovered"]) == (3, 1, 1)


async def test_huge_and_odd_inputs_do_not_spoil_the_page(desk: Desk, two_kinds: None) -> None:
    await desk.run(run_input={"name": "x" * 100_000})
    await desk.run(
        run_input={"name": "ada", "deep": {"a": {"b": {"c": {"d": 1}}}}, "big": 2**70, "odd": [1], "no": None}
    )
    fingerprint = (await desk.get("/inbox"))["items"][0]["fingerprint"]
    group = await desk.get(f"/inbox/{fingerprint}")
    assert group["looked_at"] == 5
    assert all(len(one["value"]) <= 80 for fact in group["differs_by"] for one in fact["values"])


def test_ids_tell_nothing_and_common_values_do() -> None:
    runs = [{"input.id": str(number), "input.lang": "en" if number else "fr", "version": "3"} for number in range(12)]
    assert [(fact.what, fact.values[0].value, fact.values[0].count) for fact in differences(runs)] == [
        ("version", "3", 12),
        ("input.lang", "en", 11),
    ]
    assert differences(runs[:1]) == []
    assert differences([]) == []
