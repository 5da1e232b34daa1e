"""Ports: the defaults, those kept, and what is told of others."""

import socket
from collections.abc import Iterator

import pytest

from deploy.local import ports
from deploy.local.home import Ports


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_taken_port_is_left_alone_and_told(taken: int) -> None:
    wanted = Ports(gateway=taken)
    chosen, told = ports.choose(wanted)
    assert chosen.gateway in ports.OTHERS
    assert f"port {taken} (gateway) is taken; using {chosen.gateway}" in told


def test_two_parts_never_get_the_same_port(taken: int) -> None:
    chosen, _ = ports.choose(Ports(gateway=taken, gateway_admin=taken, postgres=taken))
    values = list(chosen.model_dump().values())
    assert len(set(values)) == len(values)
    assert taken not in values


def test_free_ports_are_kept_without_a_word() -> None:
    chosen, _ = ports.choose(Ports())
    again, told = ports.choose(chosen)
    assert again == chosen
    assert told == []
