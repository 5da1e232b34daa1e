"""Logs say what failed and where, never what was said: an exception's message may repeat what a person wrote."""

import json
import logging
import subprocess
import sys
from textwrap import dedent

import pytest

SECRET = "what nobody may read"


def logged(code: str) -> list[dict[str, object]]:
    """The JSON lines that a process of its own writes; logging is set up once for each process."""
    program = dedent(
        f"""
        import logging
        import structlog
        from shared.runtime.logging import setup

        setup("tests", "tests-1", "info")
        log = structlog.get_logger()
        SECRET = {SECRET!r}
        """
    ) + dedent(code)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30)
    assert SECRET not in done.stdout + done.stderr
    lines: list[dict[str, object]] = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines
    return lines


def test_an_exception_is_its_type_and_stack() -> None:
    (line,) = logged(
        """
        def fails():
            raise ValueError(SECRET)

        try:
            fails()
        except ValueError as error:
            log.error("failed", exc_info=error)
        """
    )
    assert line["event"] == "failed"
    assert line["error"] == "ValueError"
    assert line["service"] == "tests"
    stack = line["stack"]
    assert isinstance(stack, list)
    assert str(stack[-1]).endswith(" fails")


@pytest.mark.parametrize("how", ["log.exception('failed')", "log.error('failed', exc_info=True)"])
def test_the_exception_at_hand_is_no_different(how: str) -> None:
    (line,) = logged(f"try:\n    raise KeyError(SECRET) from RuntimeError(SECRET)\nexcept KeyError:\n    {how}\n")
    assert line["error"] == "KeyError"


def test_a_group_names_the_types_in_it() -> None:
    (line,) = logged(
        """
        error = ExceptionGroup(SECRET, [ValueError(SECRET), OSError(SECRET)])
        log.error("failed", exc_info=error)
        """
    )
    assert line["errors"] == ["ValueError", "OSError"]


def test_of_a_database_error_the_state_is_kept() -> None:
    (line,) = logged(
        """
        import asyncpg
        log.error("failed", exc_info=asyncpg.UniqueViolationError(SECRET))
        """
    )
    assert (line["error"], line["sqlstate"]) == ("UniqueViolationError", "23505")


def test_a_library_is_heard_but_not_repeated() -> None:
    (line,) = logged(
        """
        logging.getLogger("asyncio").info(SECRET)
        logging.getLogger("asyncio").error("task failed: %s", SECRET, exc_info=ValueError(SECRET))
        """
    )
    assert (line["logger"], line["error"]) == ("asyncio", "ValueError")
    assert line["level_name"] == logging.getLevelName(logging.ERROR)


def test_no_exception_leaves_no_trace() -> None:
    (line,) = logged("log.info('fine', exc_info=False)")
    assert "error" not in line
    assert "stack" not in line
