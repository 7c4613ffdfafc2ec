"""The bounded pool: no place is lost, whatever becomes of a job."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest
from web_kit import PATIENCE

from proface_s.progress import Progress
from proface_s.web.problems import RefusedError
from proface_s.web.workers.job_queue import JobQueue, ProgressStep
from proface_s.web.workers.memory import MemoryBudget, MemoryHold


def in_loop(test: Callable[[JobQueue], object]) -> None:
    """Run a test in an event loop, with a pool of one worker and one place to wait."""

    async def run() -> None:
        pool = JobQueue(1, 1)
        try:
            await asyncio.wait_for(test(pool), PATIENCE)  # type: ignore[arg-type]
        finally:
            pool.close()

    asyncio.run(run())


def test_work_beyond_the_places_is_refused_until_one_is_free() -> None:
    async def test(pool: JobQueue) -> None:
        go = threading.Event()
        jobs = [pool.submit(lambda tell: go.wait(PATIENCE)) for _ in range(2)]
        with pytest.raises(RefusedError) as refused:
            pool.submit(lambda tell: None)
        assert refused.value.problem.status == 503
        assert refused.value.headers is not None
        assert int(refused.value.headers["Retry-After"]) > 0
        go.set()
        assert [await job.result() for job in jobs] == [True, True]
        assert await pool.submit(lambda tell: "done").result() == "done"

    in_loop(test)


def test_work_that_waits_is_never_begun_when_nobody_waits_for_it() -> None:
    async def test(pool: JobQueue) -> None:
        go, begun = threading.Event(), threading.Event()
        first = pool.submit(lambda tell: go.wait(PATIENCE))
        second = pool.submit(lambda tell: begun.set())
        second.drop()
        third = pool.submit(lambda tell: "third")  # the place is free at once
        go.set()
        await first.result()
        assert await third.result() == "third"
        assert not begun.is_set()

    in_loop(test)


def test_work_that_runs_is_stopped_at_its_next_step() -> None:
    async def test(pool: JobQueue) -> None:
        go, ended = threading.Event(), threading.Event()

        def work(tell: Progress) -> None:
            tell("read", 0, 1)
            go.wait(PATIENCE)
            tell("hide", 0, 1)
            ended.set()

        job = pool.submit(work)
        assert await job.steps.get() == ProgressStep("read", 0, 1)
        job.drop()
        go.set()
        assert await job.steps.get() is None
        assert not ended.is_set()
        assert await pool.submit(lambda tell: "next").result() == "next"

    in_loop(test)


def test_what_work_raises_comes_out_and_frees_its_place() -> None:
    async def test(pool: JobQueue) -> None:
        def fail(tell: Progress) -> None:
            raise KeyError("face")

        for _ in range(5):
            with pytest.raises(KeyError, match="face"):
                await pool.submit(fail).result()

    in_loop(test)


def test_a_ledger_counts_and_forgets() -> None:
    budget = MemoryBudget(100)
    first, second = MemoryHold(budget), MemoryHold(budget)
    first.add(60)
    second.add(40)
    assert not budget.room_for(1)
    first.release()
    first.release()
    assert budget.held == 40
    assert budget.room_for(60)
    assert not budget.room_for(61)
