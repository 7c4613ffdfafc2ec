"""The supervisor of worker processes: order, deaths, errors, interruptions, and workers whose parent is gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest

import proface_s
from proface_s.processes import (
    Attempt,
    Executor,
    ThisProcess,
    WorkerPool,
    completed_future,
    local_executor,
    run_tasks,
    threads_per_process,
)

WAIT_SECONDS = 300.0  # until a test gives up; nothing is measured


@pytest.fixture(autouse=True)
def workers_find_this_module(monkeypatch: pytest.MonkeyPatch) -> None:
    folders = (Path(proface_s.__file__).parents[1], Path(__file__).parent)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, folders)))


def double_or_die(number: int) -> int:
    """Return twice a number; kill the process at 13, fail at 5."""
    if number == 13:
        os.kill(os.getpid(), signal.SIGKILL)
    if number == 5:
        raise ValueError("five")
    return 2 * number


def die_once(number: int, marker: Path) -> int:
    """Return twice a number; kill the process the first time that the number is odd."""
    if number % 2 and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return 2 * number


def dispositions() -> list[bool]:
    """Return whether this worker ignores Ctrl-C and a closed terminal."""
    return [signal.getsignal(number) == signal.SIG_IGN for number in (signal.SIGINT, signal.SIGHUP)]


def wait_with_file(path: Path) -> None:
    """Make a file, wait, and delete the file on the way out."""
    path.touch()
    try:
        time.sleep(WAIT_SECONDS)
    finally:
        path.unlink()


def touch_and_wait_for(begun: Path, end: Path) -> None:
    """Make a file, and wait until another one exists."""
    begun.touch()
    assert until(end.exists)


def until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def attempts(executor: Executor, numbers: list[int], **options: object) -> list[Attempt[int, int]]:
    return list(run_tasks(numbers, executor, lambda n, _: executor.submit(double_or_die, n), **options))  # type: ignore[arg-type]


def test_one_process_does_tasks_in_order_and_one_at_a_time() -> None:
    begun: list[int] = []

    def note(number: int) -> int:
        begun.append(number)
        return number

    executor = ThisProcess()
    seen = []
    for attempt in run_tasks([3, 1, 2], executor, lambda n, _: executor.submit(note, n)):
        seen.append(attempt.future.result(WAIT_SECONDS))
        assert begun == seen, "the next task begins when this one was dealt with"
    assert seen == [3, 1, 2]


def test_an_error_concerns_its_own_task() -> None:
    done = {each.task: each for each in attempts(ThisProcess(), [1, 5, 2])}
    assert (done[1].future.result(WAIT_SECONDS), done[2].future.result(WAIT_SECONDS)) == (2, 4)
    with pytest.raises(ValueError, match="five"):
        done[5].future.result(WAIT_SECONDS)
    assert not any(each.worker_died for each in done.values())


def test_an_interruption_is_not_an_error_of_a_task() -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        completed_future(interrupted)


def test_a_task_that_kills_its_worker_takes_no_other_with_it() -> None:
    cleaned: list[int] = []
    with WorkerPool(2) as pool:
        done = {each.task: each for each in attempts(pool, [1, 13, 2, 5, 3], max_attempts=3, clean_up=cleaned.append)}
        assert pool.submit(double_or_die, 4).result(WAIT_SECONDS) == 8, "dead workers are replaced"
    assert {task: each.worker_died for task, each in done.items()} == {1: False, 13: True, 2: False, 5: False, 3: False}
    assert {task: done[task].future.result(WAIT_SECONDS) for task in (1, 2, 3)} == {1: 2, 2: 4, 3: 6}
    assert (done[13].number, cleaned.count(13)) == (3, 3)
    with pytest.raises(ValueError, match="five"):
        done[5].future.result(WAIT_SECONDS)


def test_a_task_is_tried_again_alone(tmp_path: Path) -> None:
    with WorkerPool(2) as pool:
        found = list(run_tasks([7], pool, lambda n, _: pool.submit(die_once, n, tmp_path / "marker")))
    assert [(each.number, each.worker_died, each.future.result(WAIT_SECONDS)) for each in found] == [(2, False, 14)]


def test_no_task_is_begun_after_the_caller_wants_no_more() -> None:
    seen: list[int] = []
    for attempt in run_tasks(range(9), executor := ThisProcess(), lambda n, _: executor.submit(double_or_die, n),
                             keep_going=lambda: len(seen) < 3):  # fmt: skip
        seen.append(attempt.task)
    assert seen == [0, 1, 2]


class Unreachable:
    """An executor that has lost its scheduler, and with it the task."""

    ahead = 2
    death_errors = (ConnectionError,)

    def submit(self, function: object, *arguments: object) -> Future[int]:
        future: Future[int] = Future()
        future.set_exception(ConnectionError("gone"))
        return future

    def outage(self) -> str:
        return "the scheduler is gone"


def test_what_an_outage_ends_is_not_tried_again() -> None:
    found = attempts(Unreachable(), [1])  # type: ignore[arg-type]
    assert [(each.task, each.number, each.worker_died) for each in found] == [(1, 1, False)]


def test_tasks_are_read_as_they_are_needed() -> None:
    read: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(100):
            read.append(number)
            yield number

    with WorkerPool(1) as pool:
        run = run_tasks(numbers(), pool, lambda n, _: pool.submit(double_or_die, n))
        next(run)
        assert len(read) <= pool.ahead
        run.close()


def test_interruptions_are_for_the_parent() -> None:
    with WorkerPool(1) as pool:
        assert pool.submit(dispositions).result(WAIT_SECONDS) == [True, True]


def test_closing_drops_what_nobody_works_on(tmp_path: Path) -> None:
    with WorkerPool(1) as pool:
        first = pool.submit(die_once, 2, tmp_path / "marker")
        first.result(WAIT_SECONDS)
        pool._closing.value = True  # as `close` sets it, before it waits
        queued = pool.submit(die_once, 1, tmp_path / "marker")
    assert queued.cancelled() or queued.exception() is not None
    assert not (tmp_path / "marker").exists()


def test_a_worker_leaves_with_its_parent_and_cleans_up(tmp_path: Path) -> None:
    path = tmp_path / "in the making"
    script = (
        "from pathlib import Path; import sys\n"
        "from proface_s.processes import WorkerPool\n"
        "from test_processes import wait_with_file\n"
        "if __name__ == '__main__':\n"
        "    WorkerPool(1).submit(wait_with_file, Path(sys.argv[1])).result()\n"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(path)], stderr=subprocess.DEVNULL) as parent:
        assert until(path.exists)
        parent.send_signal(signal.SIGKILL)
    assert until(lambda: not path.exists())


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_to_all_processes_ends_them_quietly(tmp_path: Path, name: str) -> None:
    """As Ctrl-C and a closed terminal do it."""
    begun, end = tmp_path / "begun", tmp_path / "end"
    script = (
        "from pathlib import Path; import signal, sys\n"
        "from proface_s.processes import WorkerPool\n"
        "from test_processes import touch_and_wait_for\n"
        "if __name__ == '__main__':\n"
        f"    signal.signal(signal.{name}, lambda *_: sys.exit(99))\n"
        "    with WorkerPool(1) as pool:\n"
        "        pool.submit(touch_and_wait_for, *map(Path, sys.argv[1:])).result()\n"
    )
    command = [sys.executable, "-c", script, str(begun), str(end)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as parent:
        assert until(begun.exists)
        os.killpg(parent.pid, getattr(signal, name))
        end.touch()
        _, shown = parent.communicate(timeout=WAIT_SECONDS)
    assert (parent.returncode, shown) == (99, "")


def test_an_executor_for_this_machine() -> None:
    with local_executor(1) as one:
        assert isinstance(one, ThisProcess)
    with local_executor(2) as several:
        assert isinstance(several, WorkerPool)


@pytest.mark.parametrize(
    ("threads", "processes", "cores", "expected"), [(0, 1, 8, 0), (0, 4, 8, 2), (0, 16, 8, 1), (3, 4, 8, 3)]
)
def test_threads_are_shared(
    monkeypatch: pytest.MonkeyPatch, threads: int, processes: int, cores: int, expected: int
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    assert threads_per_process(threads, processes) == expected
