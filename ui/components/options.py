"""Choices that several pages offer."""

from __future__ import annotations

from fer_core.tracking.smoothing import Smoothing

__all__ = ["STEADINESS"]

STEADINESS = {"Off": Smoothing(0.0, 0.0, 0.0), "Normal": Smoothing(), "Strong": Smoothing(1.0, 0.6, 0.25)}
