"""Is it good: evaluation."""
