"""Who waits for a connection: in order, within bounds, and never forgotten."""

import asyncio

import pytest
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.db.turns import Turns


async def test_turns_are_had_in_the_order_in_which_they_were_asked_for() -> None:
    turns = Turns(1, seconds=60)
    had: list[int] = []

    async def visit(number: int) -> None:
        await turns.take()
        had.append(number)
        await asyncio.sleep(0)
        turns.give()

    await turns.take()
    waiting = [asyncio.create_task(visit(number)) for number in range(10)]
    await asyncio.sleep(0)
    turns.give()
    await asyncio.gather(*waiting)
    assert had == list(range(10))


async def test_nobody_waits_longer_than_the_bound() -> None:
    turns = Turns(1, seconds=0.05)
    await turns.take()
    began = asyncio.get_running_loop().time()
    with pytest.raises(PoolTimeout):
        await turns.take()
    assert asyncio.get_running_loop().time() - began < 30
    turns.give()
    await turns.take()


async def test_who_comes_when_too_many_wait_is_sent_away_at_once() -> None:
    turns = Turns(2, seconds=60)
    asked = [asyncio.create_task(turns.take()) for _ in range(2 + 32)]
    await asyncio.sleep(0)
    with pytest.raises(PoolTimeout):
        await turns.take()
    for _ in range(2 + 32):
        turns.give()
    await asyncio.gather(*asked)


@pytest.mark.parametrize("comes", [False, True], ids=["while waiting", "when the turn had come"])
async def test_a_turn_of_who_went_away_goes_to_the_next(*, comes: bool) -> None:
    turns = Turns(1, seconds=60)
    await turns.take()
    goes, stays = (asyncio.create_task(turns.take()) for _ in range(2))
    await asyncio.sleep(0)
    if comes:
        turns.give()
    goes.cancel()
    with pytest.raises(asyncio.CancelledError):
        await goes
    if not comes:
        turns.give()
    await asyncio.wait_for(stays, 30)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(turns.take(), 0.05)
