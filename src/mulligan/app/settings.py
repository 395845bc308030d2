"""The settings and where each value comes from: argument > ``MULLIGAN_*`` > ``mulligan.toml`` > default.

``[tool.mulligan]`` in ``pyproject.toml`` stands in for ``mulligan.toml`` where there is none. Relative paths in such a
file count from its folder, so that a command works from anywhere inside the project.

Plain msgspec and not pydantic-settings: every command of the CLI reads the settings, and importing that library alone
takes 0.6 s of processor time, six times as long as all that is imported here.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

import msgspec
from msgspec import Meta

from mulligan.errors import InvalidInput, Problem
from mulligan.sdk.durations import parse_duration

ENV_PREFIX = "MULLIGAN_"
OTHER_VARIABLES = frozenset({f"{ENV_PREFIX}CODE_VERSION", f"{ENV_PREFIX}TEST_POSTGRES_URL"})
"""Variables with the prefix that are read elsewhere: by the SDK and by the tests."""
LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")
SQLITE = "sqlite:///"
POSTGRES = ("postgresql://", "postgres://")
PATHS = ("data", "tls_cert", "tls_key", "token_file")


class Secret:
    """A value that is never shown by accident."""

    __slots__ = ("value",)

    def __init__(self, value: str) -> None:
        self.value = value

    def __repr__(self) -> str:
        return "•••"

    __str__ = __repr__


def _about(text: str) -> Meta:
    return Meta(description=text)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All that can be set, for engine, server, worker and command line alike. Made by ``load_settings``."""

    url: Annotated[
        str | None,
        _about("address of a server, or of its replicas, comma-separated; none: engine inside"),
    ] = None
    token: Annotated[Secret | None, _about("API token for that server")] = None
    namespace: Annotated[str, Meta(min_length=1, max_length=100), _about("the unit of isolation")] = "default"
    data: Annotated[Path, _about("folder of the database, the token and the server's address")] = Path(".mulligan")
    database: Annotated[str, _about("sqlite:///path (default: in the data folder) or postgresql://…")] = ""
    host: Annotated[str, _about("address the server listens on")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535), _about("port the server listens on; 0 takes a free one")] = 8420
    base_path: Annotated[str, _about("path prefix behind a reverse proxy")] = "/"
    public_hosts: Annotated[tuple[str, ...], _about("host names that browsers may use, comma-separated")] = ()
    behind_proxy: Annotated[bool, _about("a proxy in front of the server takes care of TLS")] = False
    tls_cert: Annotated[Path | None, _about("certificate chain (PEM) to serve HTTPS with")] = None
    tls_key: Annotated[Path | None, _about("private key (PEM) of that certificate")] = None
    token_file: Annotated[Path | None, _about("file of the server's own token; by default in the data folder")] = None
    retention: Annotated[timedelta, _about("how long finished runs are kept")] = timedelta(days=30)
    slots: Annotated[int, Meta(ge=1, le=10_000), _about("steps that a worker runs at the same time")] = 32
    ttl: Annotated[timedelta, _about("a worker that is silent for so long has lost its steps")] = timedelta(seconds=15)
    grace: Annotated[timedelta, _about("how long running steps may take to finish on shutdown")] = timedelta(seconds=30)
    log_format: Annotated[Literal["text", "json"], _about("how the server and the worker write their logs")] = "text"

    def __post_init__(self) -> None:
        inner = self.base_path.strip("/")
        msgspec.structs.force_setattr(self, "base_path", f"/{inner}/" if inner else "/")

    @property
    def database_url(self) -> str:
        return self.database or f"{SQLITE}{self.data / 'mulligan.db'}"

    @property
    def database_shown(self) -> str:
        """``database_url`` without the passwords that may be in it."""
        return _IN_OPTIONS.sub(r"\1•••", _AFTER_USER.sub(r"\1•••", self.database_url))

    @property
    def server_token_file(self) -> Path:
        return self.token_file or self.data / "token"

    @property
    def address_file(self) -> Path:
        """Where a running server says at which address it can be reached."""
        return self.data / "server.json"


NAMES = Settings.__struct_fields__

_AFTER_USER = re.compile(r"(//[^/?#:@]*:)[^/?#]*(?=@)")
_IN_OPTIONS = re.compile(r"([?&](?:ssl)?password=)[^&#]*")
"""Where the URL of a database may hold passwords."""


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """``origins`` says of each setting where its value comes from, in words for people."""

    settings: Settings
    origins: dict[str, str]
    project: Path


def load_settings(arguments: Mapping[str, object] | None = None, directory: Path | None = None) -> LoadedSettings:
    """The settings in force for a program started in ``directory`` (the current one by default).

    ``arguments`` that are None count as not given. Raises ``errors.InvalidInput`` that names each wrong setting, where
    its value came from and what it must look like.
    """
    here = (directory or Path.cwd()).resolve()
    file, from_file = _read_nearest_file(here)
    project = file.parent if file else here
    origins = dict.fromkeys(NAMES, "default")
    values: dict[str, object] = {"data": project / ".mulligan"}
    for name, value in from_file.items():
        values[name] = _counted_from(project, name, value)
        origins[name] = str(file)
    for name in NAMES:
        variable = f"{ENV_PREFIX}{name.upper()}"
        if os.environ.get(variable):
            values[name], origins[name] = os.environ[variable], variable
    for name, value in (arguments or {}).items():
        if value is not None:
            values[name], origins[name] = value, "argument"
    return LoadedSettings(_checked(values, origins), origins, project)


def describe() -> dict[str, str]:
    """What each setting is for."""
    hints = get_type_hints(Settings, include_extras=True)
    texts = {name: [meta.description for meta in hints[name].__metadata__ if meta.description] for name in NAMES}
    return {name: descriptions[0] for name, descriptions in texts.items()}


def unknown_variables(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Variables that look like settings but are none: most likely a slip of the pen."""
    known = {f"{ENV_PREFIX}{name.upper()}" for name in NAMES} | OTHER_VARIABLES
    return sorted(name for name in environment if name.startswith(ENV_PREFIX) and name not in known)


def _read_nearest_file(directory: Path) -> tuple[Path | None, dict[str, Any]]:
    """The nearest settings file upwards, and the settings in it."""
    for folder in (directory, *directory.parents):
        own = folder / "mulligan.toml"
        if own.is_file():
            return own, _read_toml(own)
        shared = folder / "pyproject.toml"
        if shared.is_file():
            table = _read_toml(shared).get("tool", {}).get("mulligan")
            if table is not None:
                return shared, table
    return None, {}


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file} is not valid TOML: {error}. Mend that line and start again.") from None


def _counted_from(project: Path, name: str, value: object) -> object:
    """A path written in the settings file counts from the folder of that file."""
    if name in PATHS and isinstance(value, str):
        return project / value
    if name == "database" and isinstance(value, str) and value.startswith(SQLITE):
        return f"{SQLITE}{project / value.removeprefix(SQLITE)}"
    return value


def _checked(values: dict[str, object], origins: dict[str, str]) -> Settings:
    """Setting by setting, so that all that are wrong can be named at once."""
    hints = get_type_hints(Settings, include_extras=True)
    problems: list[Problem] = []
    good: dict[str, Any] = {}
    for name, value in values.items():
        try:
            if name not in hints:
                raise ValueError(f"there is no such setting; there are {', '.join(NAMES)}")
            good[name] = _converted(name, value, hints[name])
        except ValueError as error:
            rule = str(error).replace("`", "")
            problems.append(Problem("", rule, f"{name} ({origins[name]})"))
    if (good.get("tls_cert") is None) != (good.get("tls_key") is None):
        problems.append(Problem("", "set both or none: certificate and key go together", "tls_cert, tls_key"))
    if problems:
        names = ", ".join(problem.where for problem in problems)
        raise InvalidInput(f"Wrong settings: {names}. Correct them and start again.", problems=tuple(problems))
    return Settings(**good)


def _converted(name: str, value: object, hint: Any) -> object:
    if name == "public_hosts" and isinstance(value, str):
        value = [part.strip() for part in value.split(",") if part.strip()]
    if name in ("retention", "ttl", "grace"):
        span = parse_duration(value)  # type: ignore[arg-type]  # it refuses what is neither text nor timedelta
        if name == "ttl" and span < timedelta(seconds=1):
            raise ValueError("must be at least 1s, or a busy worker loses its steps between two heartbeats")
        return span
    return msgspec.convert(value, hint, strict=False, dec_hook=_from_text)


def _from_text(kind: type, value: object) -> object:
    """Types that msgspec does not know: paths and secrets are written as text."""
    if isinstance(value, kind):
        return value
    if isinstance(value, str):
        return kind(value)
    raise ValueError(f"Expected text, got {type(value).__name__}")
