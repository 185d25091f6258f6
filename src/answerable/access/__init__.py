"""Who may: scopes."""
