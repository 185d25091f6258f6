"""onnxruntime, as everybody here loads it.

Since 1.29 it reports home by itself, and leaves the name it gave this machine below the user's
cache folder. It looks once, when it is loaded, whether it may.
"""

from __future__ import annotations

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime  # type: ignore[import-untyped]  # it has no types; only after that

onnxruntime.disable_telemetry_events()

ERRORS_ONLY = 3
"""What it says in its log."""

__all__ = ["ERRORS_ONLY", "onnxruntime"]
