"""What is done to the processes, one fault a call. Each returns the instant from which everything could work again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from chaos.network import Proxy, Weather
from chaos.processes import Process
from chaos.rig import CONNECTED, TTL_S, Rig

Fault = Callable[[Rig], Awaitable[int]]
"""Answers with nanoseconds of the monotonic clock."""


# ── kill -9 ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def kill_server(rig: Rig) -> int:
    index = rig.chance.randrange(len(rig.servers))
    rig.kill([rig.servers[index]])
    await asyncio.sleep(rig.chance.uniform(0, 0.5))
    return await _start_server(rig, index)


async def kill_workers(rig: Rig) -> int:
    """One of them, or all."""
    victims = rig.chance.sample(range(len(rig.workers)), rig.chance.randint(1, len(rig.workers)))
    rig.kill([rig.workers[index] for index in victims])
    for index in victims:
        rig.replace_worker(index)
    return time.monotonic_ns()


async def kill_both(rig: Rig) -> int:
    """All that runs steps and all that remembers them, in one moment."""
    rig.kill([*rig.servers, *rig.workers])
    for index in range(len(rig.workers)):
        rig.replace_worker(index)
    started = [await _start_server(rig, index) for index in range(len(rig.servers))]
    return started[0]


async def kill_client(rig: Rig) -> int:
    """What it had asked for goes on without it."""
    index = rig.chance.randrange(len(rig.clients))
    rig.kill([rig.clients[index]])
    rig.replace_client(index)
    return time.monotonic_ns()


async def kill_postgresql(rig: Rig) -> int:
    assert rig.database is not None
    rig.kill([rig.database.process])
    await asyncio.sleep(rig.chance.uniform(0, 0.5))
    restarted_at = time.monotonic_ns()
    await rig.database.start()
    return restarted_at


async def _start_server(rig: Rig, index: int) -> int:
    started_at = time.monotonic_ns()
    await rig.restart_server(index)
    return started_at


# ── SIGSTOP and SIGCONT ──────────────────────────────────────────────────────────────────────────────────────────────


async def stop_server(rig: Rig) -> int:
    return await _stop(rig, rig.chance.choice(rig.servers))


async def stop_workers(rig: Rig) -> int:
    return await _stop(rig, *rig.chance.sample(rig.workers, rig.chance.randint(1, len(rig.workers))))


async def stop_postgresql(rig: Rig) -> int:
    """In the middle of whatever transaction."""
    assert rig.database is not None
    rig.stops += 1
    with rig.database.stopped():
        await asyncio.sleep(_shorter_or_longer_than_a_lease(rig))
    return time.monotonic_ns()


async def _stop(rig: Rig, *processes: Process) -> int:
    async with rig.stopped(processes):
        await asyncio.sleep(_shorter_or_longer_than_a_lease(rig))
    return time.monotonic_ns()


def _shorter_or_longer_than_a_lease(rig: Rig) -> float:
    """In seconds. The longer ones make zombies: what has been given to others still runs."""
    return TTL_S * rig.chance.choice([rig.chance.uniform(0.1, 0.8), rig.chance.uniform(1.3, 2.2)])


# ── The network ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def cut_connections(rig: Rig) -> int:
    for way in _ways(rig):
        way.cut()
    return time.monotonic_ns()


async def close_network(rig: Rig) -> int:
    return await _weather(rig, Weather.CLOSED, _shorter_or_longer_than_a_lease(rig))


async def silence_network(rig: Rig) -> int:
    """Half-open: every send succeeds, and nothing arrives."""
    return await _weather(rig, Weather.SILENT, _shorter_or_longer_than_a_lease(rig))


async def slow_network(rig: Rig) -> int:
    return await _weather(rig, Weather.SLOW, rig.chance.uniform(1, 3))


async def split_network(rig: Rig) -> int:
    """Messages arrive in pieces, of which most are a few bytes."""
    return await _weather(rig, Weather.SPLIT, rig.chance.uniform(1, 3))


async def _weather(rig: Rig, weather: Weather, seconds: float) -> int:
    ways = _ways(rig)
    for way in ways:
        way.turn(weather)
    await asyncio.sleep(seconds)
    for way in ways:
        way.turn(Weather.CALM)
    return time.monotonic_ns()


def _ways(rig: Rig) -> list[Proxy]:
    return rig.chance.choice([[rig.to_workers], [rig.to_clients], [rig.to_workers, rig.to_clients]])


# ── Disk, and orderly restarts ───────────────────────────────────────────────────────────────────────────────────────


async def fill_disk(rig: Rig) -> int:
    pids = [server.pid for server in rig.servers]
    rig.disk.fill(pids)
    await asyncio.sleep(rig.chance.uniform(1, 4))
    rig.disk.empty(pids)
    return time.monotonic_ns()


async def restart_in_turn(rig: Rig) -> int:
    """As a deployment does it: SIGTERM, and the next one once this one is back."""
    for index, worker in enumerate(rig.workers):
        await rig.until_said(worker, CONNECTED)
        await asyncio.to_thread(worker.terminate)
        rig.replace_worker(index)
    for index, server in enumerate(rig.servers):
        await asyncio.to_thread(server.terminate)
        await _start_server(rig, index)
    return time.monotonic_ns()
