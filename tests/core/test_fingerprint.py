"""Failures are grouped by what will be mended together, and by nothing that changes from run to run."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mulligan.core.fingerprint import fingerprint, normalise, title
from mulligan.core.records import Frame, RecordedError

words = st.sampled_from(["order", "user", "not found", "refused", "is missing", "must be positive", "of type"])
names = st.text(alphabet="abcxyz_", min_size=1, max_size=8)
frames = st.builds(
    Frame,
    file=st.builds("/app/{}/{}.py".format, names, names),
    line=st.integers(1, 9_999),
    function=names,
    code=st.text(max_size=10),
    in_app=st.booleans(),
)
errors = st.recursive(
    st.builds(
        RecordedError,
        type=names,
        message=st.text(max_size=40),
        frames=st.lists(frames, max_size=8).map(tuple),
        cause=st.none(),
    ),
    lambda causes: st.builds(RecordedError, type=names, message=words, frames=st.just(()), cause=causes),
    max_leaves=3,
)

# Values that change from run to run, as messages hold them.
values = st.one_of(
    st.integers().map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(str),
    st.uuids().map(str),
    st.binary(min_size=8, max_size=20).map(lambda b: "0x" + b.hex()),
    st.from_regex(r"(run|user|evt)_[0-9A-HJKMNP-TV-Z]{10}[0-9]", fullmatch=True),
    st.ip_addresses(v=4).map(str),
)
instants = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)).map(datetime.isoformat)  # noqa: DTZ001 -- hypothesis wants its bounds naive
paths = st.lists(st.from_regex(r"[a-z0-9_.-]{1,8}", fullmatch=True), min_size=1, max_size=4).map(
    lambda parts: "/" + "/".join(parts)
)
quoted = st.from_regex(r"[^'\\\n]{0,20}", fullmatch=True).map("'{}'".format)


def plain(message: str = "boom", **more: object) -> RecordedError:
    return msgspec.structs.replace(RecordedError("builtins.ValueError", message), **more)


@given(words, words, st.lists(values, min_size=2, max_size=2))
def test_messages_that_differ_in_a_number_or_id_are_the_same(before: str, after: str, two: list[str]) -> None:
    one, other = (normalise(f"{before} {value} {after}") for value in two)
    assert one == other == f"{before} <n> {after}"


@pytest.mark.parametrize(("kind", "sort"), [(instants, "time"), (paths, "path"), (quoted, "text")])
@given(data=st.data())
def test_times_paths_and_quoted_values_are_taken_out(
    kind: st.SearchStrategy[str], sort: str, data: st.DataObject
) -> None:
    value = data.draw(kind)
    assert normalise(f"order {value} refused") == f"order <{sort}> refused"


@given(st.text(alphabet=" ab-_.,:/'\"\\<>[]{}=@+0123456789xz\n", max_size=200))
def test_no_digit_is_left_in_a_message(message: str) -> None:
    assert not re.search(r"[0-9]", normalise(message))


@pytest.mark.parametrize(
    ("message", "normal"),
    [
        ("429 Too Many Requests", "429 Too Many Requests"),
        ("HTTP 503 from https://api.example.org/v1?q=1", "HTTP 503 from <url>"),
        (
            "Server error '503 Service Unavailable' for url 'http://a'",
            "Server error '503 Service Unavailable' for url <text>",
        ),
        ("[Errno 111] Connect call failed ('127.0.0.1', 8000)", "[Errno 111] Connect call failed (<text>, <n>)"),
        ("500 items", "<n> items"),
        ("can't open the user's file", "can't open the user's file"),
        ("missing ids: 1, 2, 3", "missing ids: <n>"),
        ("text/html and/or docs/a.pdf", "text/html and/or <path>"),
        (r"C:\Users\Ada\x.txt is gone", "<path> is gone"),
        ("mail to ada@example.org bounced", "mail to <email> bounced"),
        ("<Order object at 0x7f3a2b>", "<Order object at <n>>"),
        ("用户42不存在", "用户<n>不存在"),
        (
            "lang\n  Input should be 'en' [type=literal_error, input_value={'a': 'b..., input_type=dict]",
            "lang\n  Input should be <text> [type=literal_error, input_value=<text>, input_type=dict]",
        ),
    ],
)
def test_messages_as_people_meet_them(message: str, normal: str) -> None:
    assert normalise(message) == normal


def test_http_statuses_stay_apart() -> None:
    assert normalise("404 Not Found") != normalise("503 Service Unavailable")
    assert normalise("status code 404") != normalise("status code 503")


@pytest.mark.parametrize(
    "piece", ["a", "'", '"', "a/", "a.", "'a ", "0-", "a@", "/", "\\", "input_value=", "code ", "<"]
)
def test_no_message_takes_long(piece: str) -> None:
    started = time.process_time()
    normalise(piece * 1_000_000)
    assert time.process_time() - started < 0.5


# ── Fingerprints ─────────────────────────────────────────────────────────────────────────────────────────────────────


@given(errors)
def test_a_fingerprint_is_sixteen_hex_digits(error: RecordedError) -> None:
    assert re.fullmatch(r"[0-9a-f]{16}", fingerprint("step", "workflow", error))


@given(errors, st.integers(1, 9_999))
def test_moved_lines_and_folders_change_nothing(error: RecordedError, line: int) -> None:
    def moved(frame: Frame) -> Frame:
        file = "C:\\srv\\" + frame.file.rsplit("/", 1)[-1]
        return msgspec.structs.replace(frame, line=line, code="other text", file=file)

    after = msgspec.structs.replace(error, frames=tuple(moved(frame) for frame in error.frames))
    assert fingerprint("step", "workflow", after) == fingerprint("step", "workflow", error)


@given(errors, st.lists(frames, max_size=5))
def test_library_frames_change_nothing(error: RecordedError, more: list[Frame]) -> None:
    library = tuple(msgspec.structs.replace(frame, in_app=False) for frame in more)
    after = msgspec.structs.replace(error, frames=library + error.frames + library)
    assert fingerprint("step", "workflow", after) == fingerprint("step", "workflow", error)


@given(errors, names, names)
def test_type_step_workflow_and_cause_tell_failures_apart(error: RecordedError, one: str, other: str) -> None:
    assume(one != other)

    def of(kind: str, step: str = "step", workflow: str = "workflow", *, caused: bool = False) -> str:
        cause = error if caused else None
        return fingerprint(step, workflow, RecordedError(kind, "boom", cause=cause))

    assert of(one) != of(other)
    assert of("kind", step=one) != of("kind", step=other)
    assert of("kind", workflow=one) != of("kind", workflow=other)
    assert of("kind", step=one, workflow=other) != of("kind", step=other, workflow=one)
    assert of("kind", caused=True) != of("kind")


@given(st.lists(frames, min_size=1, max_size=8), names)
def test_another_innermost_function_is_another_failure(trace: list[Frame], name: str) -> None:
    innermost = msgspec.structs.replace(trace[-1], in_app=True)
    assume(all(name != frame.function for frame in trace))
    other = msgspec.structs.replace(innermost, function=name)
    one, two = (plain(frames=(*trace[:-1], last)) for last in (innermost, other))
    assert fingerprint("step", "workflow", one) != fingerprint("step", "workflow", two)


def test_only_the_innermost_five_places_count() -> None:
    inner = tuple(Frame("app.py", 1, f"inner_{n}") for n in "abcde")
    ways = [plain(frames=(Frame("app.py", 1, way), *inner)) for way in ("main", "other")]
    assert len({fingerprint("step", "workflow", error) for error in ways}) == 1


def test_the_depth_of_a_recursion_changes_nothing() -> None:
    walk, visit = Frame("tree.py", 7, "walk"), Frame("tree.py", 9, "visit")
    depths = [plain(frames=(Frame("app.py", 1, "main"), *([walk, visit] * depth))) for depth in (1, 2, 50)]
    assert len({fingerprint("step", "workflow", error) for error in depths}) == 1


def test_an_endless_chain_of_causes_is_read_only_so_far() -> None:
    error = plain()
    for _ in range(500):
        error = plain(cause=error)
    assert fingerprint("step", "workflow", error) == fingerprint("step", "workflow", plain(cause=error))


def test_a_fingerprint_never_changes_between_releases() -> None:
    error = RecordedError(
        "httpx.HTTPStatusError",
        "503 Service Unavailable for order 42",
        (Frame("/srv/app/shop.py", 57, "charge"), Frame("/lib/httpx.py", 9, "send", in_app=False)),
        cause=RecordedError("builtins.OSError", "[Errno 111] refused"),
    )
    assert fingerprint("charge", "order", error) == "b48ebb0276a34c82"


# ── Titles ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RecordedError("openai.RateLimitError", "429 Too Many Requests"), "RateLimitError: 429 Too Many Requests"),
        (RecordedError("builtins.KeyError", ""), "KeyError"),
        (RecordedError("a.b.C", "\n first\nsecond"), "C: first"),
        (RecordedError("Failed", "order 42"), "Failed: order <n>"),
    ],
)
def test_a_title_is_one_short_line(error: RecordedError, words: str) -> None:
    assert title(error) == words


@given(errors)
def test_a_title_is_never_long(error: RecordedError) -> None:
    assert 0 < len(title(error)) <= 200
    assert "\n" not in title(error)
