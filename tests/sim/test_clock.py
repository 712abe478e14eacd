import asyncio

import pytest

from sim.clock import Run


def test_an_hour_costs_nothing_and_is_an_hour(run: Run) -> None:
    async def main() -> float:
        await asyncio.sleep(3600)
        return asyncio.get_running_loop().time()

    assert run(main()) == pytest.approx(3600)


def test_timers_fire_in_order(run: Run) -> None:
    async def main() -> list[int]:
        order: list[int] = []

        async def after(delay_s: int) -> None:
            await asyncio.sleep(delay_s)
            order.append(delay_s)

        await asyncio.gather(after(3), after(1), after(2))
        return order

    assert run(main()) == [1, 2, 3]


def test_waiting_for_what_cannot_happen_is_an_error(run: Run) -> None:
    async def main() -> None:
        await asyncio.Event().wait()

    with pytest.raises(RuntimeError, match="nothing can ever happen"):
        run(main())
