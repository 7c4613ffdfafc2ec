"""Give up a client that stops reading its response, so that it cannot hold memory indefinitely."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_PART = 256 << 10


class SendTimeout:
    """ASGI middleware that sends responses in parts, with a time limit for each part.

    Args:
        app: the application.
        seconds: time for the client to take one part.
    """

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self._app, self._seconds = app, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on one request and send its response in parts."""

        async def patiently(message: Message) -> None:
            body = message.get("body", b"")
            if message["type"] != "http.response.body" or len(body) <= _PART:
                async with asyncio.timeout(self._seconds):
                    await send(message)
                return
            view = memoryview(body)
            for start in range(0, len(view), _PART):
                last = start + _PART >= len(view)
                more = not last or message.get("more_body", False)
                part = {"type": message["type"], "body": bytes(view[start : start + _PART]), "more_body": more}
                async with asyncio.timeout(self._seconds):
                    await send(part)

        await self._app(scope, receive, patiently if scope["type"] == "http" else send)
