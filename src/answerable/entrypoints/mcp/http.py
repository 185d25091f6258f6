"""Streamable HTTP: the tools under `/mcp` of the site, behind its gate."""

from __future__ import annotations

from mcp.server.streamable_http_manager import StreamableHTTPASGIApp, StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from sse_starlette.sse import AppStatus
from starlette.routing import Route

from answerable.app import App
from answerable.entrypoints.mcp.server import new_server
from answerable.entrypoints.web.addition import Addition
from answerable.entrypoints.web.happening import Answers

PATH = "/mcp"


def addition(app: App, answers: Answers) -> Addition:
    """Return what the site needs to serve the tools.

    Every request stands alone, because the next one may reach another process. Nothing is
    sent unasked, so there is no stream to open with GET and no session to end with DELETE.
    """
    # A stop waits for answers that are on their way, as it does everywhere else here.
    AppStatus.enable_automatic_graceful_drain = False
    manager = StreamableHTTPSessionManager(
        new_server(app, answers),
        stateless=True,
        # The gate has looked at host and origin, more strictly than this would.
        security_settings=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )
    route = Route(PATH, StreamableHTTPASGIApp(manager), methods=["POST"], include_in_schema=False)
    return Addition(routes=(route,), running=manager.run())
