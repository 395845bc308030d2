"""The settings and where each value comes from: argument > ``MULLIGAN_*`` > ``mulligan.toml`` > default.

``[tool.mulligan]`` in ``pyproject.toml`` stands in for ``mulligan.toml`` where there is none. Relative paths count
from the folder of that file, so that a command works from anywhere inside the project.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from mulligan.errors import InvalidInput, Problem
from mulligan.sdk.durations import parse_duration

ENV_PREFIX = "MULLIGAN_"
LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")


def _commas(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_commas)]


class Settings(BaseSettings):
    """All that can be set, for engine, server, worker and command line alike. Built by ``load_settings``."""

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, env_ignore_empty=True, extra="forbid", frozen=True)

    url: str | None = Field(None, description="address of a running server; without it the engine is embedded")
    token: SecretStr | None = Field(None, description="API token for that server")
    namespace: str = Field("default", min_length=1, max_length=100, description="the unit of isolation")
    data: Path = Field(Path(".mulligan"), description="folder of the database, the token and the server's address")
    database: str = Field("", description="sqlite:///path; by default mulligan.db in the data folder")
    host: str = Field("127.0.0.1", description="address the server listens on")
    port: int = Field(8420, ge=0, le=65535, description="port the server listens on; 0 takes a free one")
    base_path: str = Field("/", description="path prefix behind a reverse proxy")
    public_hosts: Names = Field((), description="host names that browsers may use, comma-separated")
    behind_proxy: bool = Field(False, description="a proxy in front of the server takes care of TLS")
    tls_cert: Path | None = Field(None, description="certificate chain (PEM) to serve HTTPS with")
    tls_key: Path | None = Field(None, description="private key (PEM) of that certificate")
    token_file: Path | None = Field(None, description="file of the server's own token; by default in the data folder")
    retention: Duration = Field(timedelta(days=30), description="how long finished runs are kept")
    slots: int = Field(32, ge=1, le=10_000, description="steps that a worker runs at the same time")
    ttl: Duration = Field(timedelta(seconds=15), description="a worker that is silent for so long has lost its steps")
    grace: Duration = Field(timedelta(seconds=30), description="how long running steps may take to finish on shutdown")
    log_format: Literal["text", "json"] = Field("text", description="how the server and the worker write their logs")

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, **_: object
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only arguments: ``load_settings`` reads the other sources itself, to know where each value came from."""
        return (init_settings,)

    @field_validator("base_path")
    @classmethod
    def _enclose_in_slashes(cls, value: str) -> str:
        inner = value.strip("/")
        return f"/{inner}/" if inner else "/"

    @field_validator("ttl")
    @classmethod
    def _leave_time_to_beat(cls, value: timedelta) -> timedelta:
        if value < timedelta(seconds=1):
            raise ValueError("must be at least 1s, or a busy worker loses its steps between two heartbeats")
        return value

    @model_validator(mode="after")
    def _certificate_and_key_go_together(self) -> Settings:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls_cert and tls_key go together: set both or none")
        return self

    @property
    def database_url(self) -> str:
        return self.database or f"sqlite:///{self.data / 'mulligan.db'}"

    @property
    def server_token_file(self) -> Path:
        return self.token_file or self.data / "token"

    @property
    def address_file(self) -> Path:
        """Where a running server says at which address it can be reached."""
        return self.data / "server.json"


PATHS = ("data", "tls_cert", "tls_key", "token_file")
SQLITE = "sqlite:///"


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """``origins`` says of each setting where its value comes from, in words for people."""

    settings: Settings
    origins: dict[str, str]
    project: Path


def load_settings(arguments: Mapping[str, object] | None = None, directory: Path | None = None) -> LoadedSettings:
    """The settings in force for a program started in ``directory`` (the current one by default).

    ``arguments`` that are None count as not given. Raises ``errors.InvalidInput`` that names the setting, where its
    value came from and what it must look like.
    """
    given = {name: value for name, value in (arguments or {}).items() if value is not None}
    file, table = _find_file((directory or Path.cwd()).resolve())
    project = file.parent if file else (directory or Path.cwd()).resolve()
    values: dict[str, object] = {}
    origins = dict.fromkeys(Settings.model_fields, "default")
    for origin, source in _sources(given, file, table):
        for name, value in source().items():
            values[name] = _from(project, name, value) if origin not in ("argument", "environment") else value
            origins[name] = f"{ENV_PREFIX}{name.upper()}" if origin == "environment" else origin
    if "data" not in values:
        values["data"] = project / ".mulligan"
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise _explain(error, origins) from None
    return LoadedSettings(settings, origins, project)


def _sources(
    given: dict[str, object], file: Path | None, table: tuple[str, ...]
) -> list[tuple[str, PydanticBaseSettingsSource]]:
    """Weakest first, each with its name for people."""
    sources: list[tuple[str, PydanticBaseSettingsSource]] = []
    if file is not None:
        name = f"{file} [{'.'.join(table)}]" if table else str(file)
        sources.append((name, TomlConfigSettingsSource(Settings, file, table)))
    sources.append(("environment", EnvSettingsSource(Settings)))
    sources.append(("argument", InitSettingsSource(Settings, given)))
    return sources


def _find_file(directory: Path) -> tuple[Path | None, tuple[str, ...]]:
    """The nearest settings file upwards, and the table in it that holds the settings."""
    for folder in (directory, *directory.parents):
        own = folder / "mulligan.toml"
        if own.is_file():
            _check_toml(own)
            return own, ()
        shared = folder / "pyproject.toml"
        if shared.is_file() and "mulligan" in _check_toml(shared).get("tool", {}):
            return shared, ("tool", "mulligan")
    return None, ()


def _check_toml(file: Path) -> dict[str, dict[str, object]]:
    try:
        return tomllib.loads(file.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file} is not valid TOML: {error}. Mend that line and start again.") from None


def _from(project: Path, name: str, value: object) -> object:
    """A path written in the settings file counts from the folder of that file."""
    if name in PATHS and isinstance(value, str):
        return project / value
    if name == "database" and isinstance(value, str) and value.startswith(SQLITE):
        return f"{SQLITE}{project / value.removeprefix(SQLITE)}"
    return value


def _explain(error: ValidationError, origins: dict[str, str]) -> InvalidInput:
    problems = []
    for detail in error.errors(include_url=False, include_context=False):
        name = str(detail["loc"][0]) if detail["loc"] else ""
        if detail["type"] == "extra_forbidden":
            rule = f"there is no such setting; there are {', '.join(Settings.model_fields)}"
        else:
            rule = detail["msg"].removeprefix("Value error, ")
        problems.append(Problem(f"/{name}" if name else "", rule, origins.get(name, "settings")))
    first = problems[0]
    what = f"The setting {first.path[1:]!r} ({first.where}): {first.rule}" if first.path else f"Settings: {first.rule}"
    return InvalidInput(f"{what}. Correct it and start again.", problems=tuple(problems))
