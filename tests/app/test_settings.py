"""Each setting has one value, and it can always be said where that value comes from."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from mulligan.app.settings import load_settings, unknown_variables
from mulligan.errors import InvalidInput


def test_without_any_file_the_data_folder_is_in_the_current_one(tmp_path: Path) -> None:
    loaded = load_settings(directory=tmp_path)
    assert loaded.settings.data == tmp_path / ".mulligan"
    assert loaded.settings.database_url == f"sqlite:///{tmp_path}/.mulligan/mulligan.db"
    assert set(loaded.origins.values()) == {"default"}


def test_argument_beats_environment_beats_file_beats_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "mulligan.toml"
    file.write_text('port = 1\nhost = "::1"\nslots = 4\n')
    monkeypatch.setenv("MULLIGAN_PORT", "2")
    monkeypatch.setenv("MULLIGAN_HOST", "127.0.0.2")
    loaded = load_settings({"port": 3, "host": None}, directory=tmp_path)
    assert (loaded.settings.port, loaded.settings.host, loaded.settings.slots) == (3, "127.0.0.2", 4)
    assert loaded.settings.ttl == timedelta(seconds=15)
    assert [loaded.origins[name] for name in ("port", "host", "slots", "ttl")] == [
        "argument",
        "MULLIGAN_HOST",
        str(file),
        "default",
    ]


def test_the_settings_file_is_found_from_a_folder_below_and_its_paths_count_from_it(tmp_path: Path) -> None:
    (tmp_path / "mulligan.toml").write_text('data = "state"\ndatabase = "sqlite:///other.db"\n')
    below = tmp_path / "src" / "deep"
    below.mkdir(parents=True)
    loaded = load_settings(directory=below)
    assert loaded.settings.data == tmp_path / "state"
    assert loaded.settings.database_url == f"sqlite:///{tmp_path}/other.db"
    assert loaded.project == tmp_path


def test_an_absolute_database_path_in_the_file_stays_absolute(tmp_path: Path) -> None:
    (tmp_path / "mulligan.toml").write_text('database = "sqlite:////var/lib/mulligan/m.db"\n')
    assert load_settings(directory=tmp_path).settings.database_url == "sqlite:////var/lib/mulligan/m.db"


def test_pyproject_serves_where_there_is_no_file_of_our_own(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.mulligan]\nretention = "7d"\npublic_hosts = ["a.example"]\n')
    loaded = load_settings(directory=tmp_path)
    assert loaded.settings.retention == timedelta(days=7)
    assert loaded.settings.public_hosts == ("a.example",)
    assert loaded.origins["retention"] == str(tmp_path / "pyproject.toml")


def test_a_pyproject_of_somebody_else_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "mulligan.toml").write_text("port = 5\n")
    below = tmp_path / "package"
    below.mkdir()
    (below / "pyproject.toml").write_text('[project]\nname = "x"\n')
    assert load_settings(directory=below).settings.port == 5


def test_lists_in_the_environment_are_parted_by_commas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MULLIGAN_PUBLIC_HOSTS", "a.example, b.example")
    assert load_settings(directory=tmp_path).settings.public_hosts == ("a.example", "b.example")


@pytest.mark.parametrize(("written", "meant"), [("", "/"), ("/", "/"), ("mulligan", "/mulligan/"), ("/a/b/", "/a/b/")])
def test_the_base_path_begins_and_ends_with_a_slash(tmp_path: Path, written: str, meant: str) -> None:
    assert load_settings({"base_path": written}, tmp_path).settings.base_path == meant


def test_a_wrong_value_is_refused_with_its_name_and_where_it_comes_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MULLIGAN_PORT", "eighty")
    with pytest.raises(InvalidInput) as refused:
        load_settings(directory=tmp_path)
    assert [(problem.where, problem.rule) for problem in refused.value.problems] == [
        ("port (MULLIGAN_PORT)", "Expected int, got str")
    ]


def test_a_wrong_duration_is_refused_with_an_example(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="ttl") as refused:
        load_settings({"ttl": "soon"}, tmp_path)
    assert "1h30m" in refused.value.problems[0].rule


def test_all_wrong_values_are_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as refused:
        load_settings({"ttl": "100ms", "slots": 0, "log_format": "xml", "data": 5}, tmp_path)
    assert len(refused.value.problems) == 4


def test_an_unknown_setting_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    (tmp_path / "mulligan.toml").write_text("prot = 1\n")
    with pytest.raises(InvalidInput, match=r"prot \(.*mulligan\.toml\)") as refused:
        load_settings(directory=tmp_path)
    assert "port" in refused.value.problems[0].rule


def test_a_broken_settings_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "mulligan.toml").write_text("port = \n")
    with pytest.raises(InvalidInput, match=r"mulligan\.toml is not valid TOML"):
        load_settings(directory=tmp_path)


def test_certificate_without_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="tls_cert, tls_key"):
        load_settings({"tls_cert": "cert.pem"}, tmp_path)


def test_the_token_is_not_shown_when_settings_are(tmp_path: Path) -> None:
    assert "sesame" not in repr(load_settings({"token": "sesame"}, tmp_path).settings)


def test_misspelt_variables_are_noticed() -> None:
    assert unknown_variables({"MULLIGAN_PROT": "1", "MULLIGAN_PORT": "1", "MULLIGAN_CODE_VERSION": "x"}) == [
        "MULLIGAN_PROT"
    ]
