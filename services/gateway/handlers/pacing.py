"""Pacing, on its way to both."""

from services.gateway.handlers.records import Feature
from shared.contracts.features.pacing import PacingUpdated, PacingUpdatedFrame

FEATURE = Feature(notices={PacingUpdated: PacingUpdatedFrame})
