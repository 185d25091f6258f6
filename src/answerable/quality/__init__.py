"""Is it good: evaluation and calibration."""
