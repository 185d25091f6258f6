"""Lets `python -m answerable` do what `answerable` does."""

from answerable.entrypoints.cli.main import main

main()
