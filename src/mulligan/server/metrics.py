"""What Prometheus reads at ``/metrics``."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from mulligan.server.live import Live
from mulligan.server.site import Site

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """Its own registry, so that several servers in one process (tests, embedding) do not meet."""

    content_type = "text/plain; version=0.0.4; charset=utf-8"

    def __init__(self, site: Site, live: Live) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_State(site, live))
        self._requests = Counter(
            "mulligan_http_requests", "HTTP requests", ("method", "route", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "mulligan_http_request_seconds", "HTTP latency", ("route",), buckets=_SECONDS, registry=self._registry
        )

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """One request of the REST API."""
        self._requests.labels(method, route, status).inc()
        self._seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        return generate_latest(self._registry)


class _State(Collector):
    """Read from the engine at the moment of asking: nothing is kept twice."""

    def __init__(self, site: Site, live: Live) -> None:
        self._site = site
        self._live = live

    def collect(self) -> Iterator[Metric]:
        engine, counts = self._site.engine, self._site.counts
        seats = list(engine.dispatcher.seats.values())
        now = engine.clock.now()
        yield _gauge("engine_running", "1 while the engine's cycle runs", float(engine.running))
        yield _gauge("inbox_requests", "requests that wait for the next turn", len(engine.cycle.inbox.waiting))
        yield _gauge("workers_connected", "workers connected to this replica", len(seats))
        yield _gauge("workers_credits", "steps that they would take now", sum(seat.credits for seat in seats))
        ready_routes = sum(len(routes) for routes in engine.dispatcher.ready_routes.values())
        yield _gauge("ready_routes", "routes with steps that wait for a worker", ready_routes)
        yield _gauge("sessions_open", "SDK processes connected to this replica", counts.open)
        yield _gauge("live_streams_open", "dashboards connected to this replica", self._live.open_streams)
        if engine.cycle.committed_at is not None:
            age = (now - engine.cycle.committed_at).total_seconds()
            yield _gauge("last_commit_age_seconds", "time since the last commit", age)
        yield _counter("session_starts", "runs started by sessions", counts.starts)
        yield _counter("session_starts_refused", "starts refused", counts.refused_starts)
        yield _counter("assignments", "attempts given to workers", counts.assignments)
        yield _counter("reports", "reports of workers", counts.reports)
        yield _counter("reports_stale", "reports refused by the fence", counts.stale_reports)
        yield _counter("reports_repeated", "reports that had been applied before", counts.repeated_reports)
        yield _counter("reports_unknown", "reports whose commit is not known to have happened", counts.unknown_reports)
        yield _counter("log_lines_dropped", "log lines of step code dropped under pressure", counts.dropped_log_lines)


def _gauge(name: str, about: str, value: float) -> Metric:
    return GaugeMetricFamily(f"mulligan_{name}", about, value=value)


def _counter(name: str, about: str, value: float) -> Metric:
    return CounterMetricFamily(f"mulligan_{name}", about, value=value)
