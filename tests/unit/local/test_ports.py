"""Ports: the defaults, those kept, and what is told of others."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from deploy.local import ports
from deploy.local.home import Ports


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.fixture
def claims() -> Iterator[ExitStack]:
    with ExitStack() as claims:
        yield claims


def test_a_taken_port_is_left_alone_and_told(taken: int, claims: ExitStack) -> None:
    wanted = Ports(gateway=taken)
    chosen, told = ports.choose(wanted, claims)
    assert chosen.gateway in ports.OTHERS
    assert f"port {taken} (gateway) is taken; using {chosen.gateway}" in told


def test_two_parts_never_get_the_same_port(taken: int, claims: ExitStack) -> None:
    chosen, _ = ports.choose(Ports(gateway=taken, gateway_admin=taken, postgres=taken), claims)
    values = list(chosen.model_dump().values())
    assert len(set(values)) == len(values)
    assert taken not in values


def test_free_ports_are_kept_without_a_word() -> None:
    with ExitStack() as claims:
        chosen, _ = ports.choose(Ports(), claims)
    with ExitStack() as claims:
        again, told = ports.choose(chosen, claims)
    assert again == chosen
    assert told == []


def test_two_that_start_at_once_never_choose_the_same(claims: ExitStack) -> None:
    chosen, _ = ports.choose(Ports(), claims)
    with ExitStack() as others:
        theirs, _ = ports.choose(chosen, others)
    assert not set(chosen.model_dump().values()) & set(theirs.model_dump().values())
