"""Thin doors: command line, API, pages. Each knows only the app."""
