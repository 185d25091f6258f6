"""Parsers and the killable child processes they run in."""
