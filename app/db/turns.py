"""Turns on the connections: first come, first served, within bounds, and then no more."""

import asyncio
from collections import deque

from sqlalchemy.exc import TimeoutError as PoolTimeout

# Who comes after so many for each connection is sent away at once: to wait for the bound of time,
# and be sent away then, helps nobody, and it is what makes an overload last.
_WAITING_PER_TURN = 16


class Turns:
    """So many turns at a time; who waits for one waits no longer than ``seconds``."""

    def __init__(self, at_once: int, *, seconds: float) -> None:
        self._free = at_once
        self._seconds = seconds
        self._waiting_at_most = at_once * _WAITING_PER_TURN
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def are_up(self) -> bool:
        """Whether so many wait that whoever comes now is sent away."""
        return len(self._waiting) >= self._waiting_at_most

    async def take(self) -> None:
        """Take a turn, which must be given back.

        Raises:
            PoolTimeout: it did not come in time, or too many wait for theirs already.
        """
        if self._free:
            self._free -= 1
            return
        if self.are_up:
            message = "too many wait for a connection"
            raise PoolTimeout(message)
        loop = asyncio.get_running_loop()
        turn = loop.create_future()
        self._waiting.append(turn)
        alarm = loop.call_later(self._seconds, _call_off, turn)
        try:
            await turn
        except BaseException:
            if turn in self._waiting:
                self._waiting.remove(turn)
            elif not turn.cancelled() and turn.exception() is None:
                self.give()  # it came just when its taker went
            raise
        finally:
            alarm.cancel()

    def give(self) -> None:
        """Give a turn back: whoever waits longest has it."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1


def _call_off(turn: asyncio.Future[None]) -> None:
    if not turn.done():
        message = "no connection came free in time"
        turn.set_exception(PoolTimeout(message))
