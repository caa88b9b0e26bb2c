"""A start or a stop that fails is told as other faults are: one line, without what it quotes."""

import logging

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.settings import SettingMissing

_log = logging.getLogger(__name__)


class ToldLifespan:
    """Logs what ends a start or a stop, in place of the traceback that the framework sends on."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is no start or stop; of one, log the fault that ends it."""
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return
        what = "the service can not start"

        async def pass_on(message: Message) -> None:
            nonlocal what
            if message["type"] == "lifespan.startup.complete":
                what = "the service did not stop as it should"
            # Without its message: that is a traceback, whose last line may quote a password.
            await send({"type": message["type"]})

        try:
            await self._app(scope, receive, pass_on)
        except Exception as fault:
            # What a setting lacks is said in words of our own.
            reason = fault if isinstance(fault, SettingMissing) else None
            _log.error(what, exc_info=fault, extra={"reason": reason})
            raise
