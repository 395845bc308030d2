"""When a failed attempt is tried again, and when it is not."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from mulligan.core.limits import bounded
from mulligan.core.records import Retry


def delay(retry: Retry, failures: int, run_id: str, step: str) -> timedelta:
    """How long to wait after failure number ``failures`` (1, 2, …).

    ``min(cap, first * factor^(failures-1))``, then up to ``jitter`` of that on top: never earlier than promised, and
    later by a share that is different for each run, so that a thousand runs that failed together do not return
    together. The share is derived, not drawn: whoever computes it gets the same.
    """
    try:
        base = min(retry.cap, retry.first * retry.factor ** (failures - 1))
    except OverflowError:
        base = retry.cap if retry.first else retry.first
    base = bounded(base)
    return base + base * (retry.jitter * _share(run_id, step, failures))


def may_retry(retry: Retry, failures: int, error_retryable: bool) -> bool:
    """Whether failure number ``failures`` (1, 2, …) leaves a retry to be made."""
    return error_retryable and failures <= retry.retries


def _share(run_id: str, step: str, failures: int) -> float:
    """In [0, 1), evenly spread."""
    digest = hashlib.sha256(f"{run_id}\0{step}\0{failures}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48
