"""Keep it alive: jobs and leases."""
