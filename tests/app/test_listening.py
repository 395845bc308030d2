"""A server never speaks plain HTTP to other machines by accident, and says who is in its way."""

from __future__ import annotations

import socket
from contextlib import closing
from pathlib import Path

import pytest

from mulligan.app.listening import Mode, address_of, check_exposure, listen
from mulligan.app.settings import Settings
from mulligan.errors import InvalidInput


@pytest.mark.parametrize("mode", ["dev", "production"])
@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_loopback_is_always_fine(mode: Mode, host: str) -> None:
    check_exposure(Settings(host=host), mode)


def test_dev_on_a_network_needs_a_word() -> None:
    with pytest.raises(InvalidInput, match="--i-know"):
        check_exposure(Settings(host="0.0.0.0"), "dev")
    check_exposure(Settings(host="0.0.0.0"), "dev", i_know=True)


def test_production_on_a_network_needs_tls_or_a_proxy() -> None:
    with pytest.raises(InvalidInput, match="--behind-proxy"):
        check_exposure(Settings(host="10.0.0.5"), "production", i_know=True)
    check_exposure(Settings(host="10.0.0.5", behind_proxy=True), "production")
    check_exposure(Settings(host="10.0.0.5", tls_cert=Path("c.pem"), tls_key=Path("k.pem")), "production")


def test_port_0_takes_a_free_port_and_the_address_says_which() -> None:
    settings = Settings(port=0, base_path="/flows")
    sockets = listen(settings)
    try:
        port = sockets[0].getsockname()[1]
        assert port > 0
        assert {one.getsockname()[1] for one in sockets} == {port}
        assert address_of(sockets, settings) == f"http://127.0.0.1:{port}/flows"
    finally:
        for one in sockets:
            one.close()


def test_a_taken_port_is_refused_with_what_to_do() -> None:
    with (
        closing(socket.create_server(("127.0.0.1", 0))) as taken,
        pytest.raises(InvalidInput, match=r"taken.*--port"),
    ):
        listen(Settings(port=taken.getsockname()[1]))


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"cannot listen on 192\.0\.2\.1"):
        listen(Settings(host="192.0.2.1", port=0))
