"""The Model Context Protocol: the same answers as tools for other people's agents.

Nothing here but `server`, `stdio` and `http` imports the extra `mcp`.
"""

from __future__ import annotations

from importlib.util import find_spec

from answerable.domain.errors import NotReady


def is_installed() -> bool:
    """Return whether the extra is there, without importing it."""
    return find_spec("mcp") is not None


def check_installed() -> None:
    """Make sure that the extra is there.

    Raises:
        NotReady: It is not.
    """
    if not is_installed():
        raise NotReady("MCP needs the extra [mcp]", hint="pip install 'answerable[mcp]'")
