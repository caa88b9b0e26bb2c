"""Stopping in order: who balances the load is told first, and only then nobody is let in."""

import asyncio
import signal
import threading
from collections.abc import Callable
from functools import partial
from types import FrameType

_Stop = Callable[[int, FrameType | None], object]


class Stopping:
    """Whether this process was told to stop (SIGTERM), and the time between that and its doing so.

    In that time it works as ever, but says that it is not ready and closes each connection with
    its next answer. So a balancer sends new work elsewhere, a client that keeps its connection
    opens another, and no request meets a connection that is closed under it.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.has_begun = False

    def take_over(self) -> None:
        """Take SIGTERM over from the server, to hand it on when the time has come.

        For the loop that runs, when it starts; without a server that handles it nothing is done.
        """
        stop = signal.getsignal(signal.SIGTERM)
        if not callable(stop) or threading.current_thread() is not threading.main_thread():
            return
        loop = asyncio.get_running_loop()
        signal.signal(signal.SIGTERM, partial(self._begin, loop, stop))

    def _begin(
        self, loop: asyncio.AbstractEventLoop, stop: _Stop, number: int, frame: FrameType | None
    ) -> None:
        # Told again: a supervisor passes on what its whole group has had already.
        if not self.has_begun:
            self.has_begun = True
            loop.call_soon_threadsafe(loop.call_later, self._seconds, stop, number, frame)
