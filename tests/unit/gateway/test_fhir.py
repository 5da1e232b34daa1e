"""Dates that a search for consents names."""

import pytest

from services.gateway.egress import fhir


@pytest.mark.parametrize("asked", ["9999", "9999-12", "9999-12-31", "le9999-12-31T23:59:59Z", "0000", "2026-13", "a"])
def test_a_date_that_cannot_be_read_is_refused(asked: str) -> None:
    """Also one whose end is in no year."""
    with pytest.raises(ValueError):  # noqa: PT011 - that it is none at all is what callers go by
        fhir.dates([asked])
