"""Thin doors: command line, API, pages, tools for agents. Each knows only the app."""
