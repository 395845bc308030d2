"""What the numbers were taken on. Absolute figures move with the machine; ratios taken in one run do not."""

from __future__ import annotations

import os
import platform
import time
import uuid
from pathlib import Path


def facts(folder: Path) -> dict[str, object]:
    """``load``: how many others wanted to run before we began, over the last minute; figures are to be taken near 0."""
    return {
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "fsync_ms": round(fsync_ms(folder), 3),
        "uuid4_us": round(uuid4_us(), 2),
        "load": round(os.getloadavg()[0], 1),
    }


def cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def cpu_time() -> tuple[int, int]:
    """Ticks of all processors so far, and those of them in which others on the same host had them (Linux, else 0)."""
    try:
        fields = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()[1:9]
    except OSError:
        return 0, 0
    return sum(map(int, fields)), int(fields[7])


def stolen_percent(before: tuple[int, int], after: tuple[int, int]) -> float:
    """How much of what our processors did meanwhile they did for others on the same host."""
    return 100 * (after[1] - before[1]) / max(1, after[0] - before[0])


def fsync_ms(folder: Path, times: int = 200) -> float:
    """Median time of an append of 4 KiB and its fdatasync."""
    file = folder / "fsync.tmp"
    spans: list[float] = []
    descriptor = os.open(file, os.O_CREAT | os.O_WRONLY)
    try:
        for _ in range(times):
            os.write(descriptor, b"x" * 4096)
            began = time.perf_counter()
            os.fdatasync(descriptor)
            spans.append(time.perf_counter() - began)
    finally:
        os.close(descriptor)
        file.unlink()
    return sorted(spans)[times // 2] * 1000


def uuid4_us(times: int = 20_000) -> float:
    """A yardstick for the speed of this interpreter on this processor."""
    began = time.perf_counter()
    for _ in range(times):
        uuid.uuid4()
    return (time.perf_counter() - began) / times * 1e6
