"""Work side by side: all of it, in order, and no more at a time than was asked for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from proface_s.errors import UsageError
from proface_s.threads import Once, SharedSetting, parallel_map, run_both, threads_to_use


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_results_come_in_the_order_of_the_items(threads: int) -> None:
    assert parallel_map(threads, lambda n: n * n, range(20)) == [n * n for n in range(20)]
    assert run_both(threads, lambda: "first", lambda: 2) == ("first", 2)


def test_two_threads_work_at_the_same_time() -> None:
    meeting = threading.Barrier(2, timeout=300)
    run_both(2, meeting.wait, meeting.wait)  # one after the other would wait in vain
    parallel_map(2, lambda _: meeting.wait(), range(4))


@pytest.mark.parametrize("threads", [1, 3])
def test_what_goes_wrong_is_raised(threads: int) -> None:
    with pytest.raises(ZeroDivisionError):
        parallel_map(threads, lambda n: 1 // n, [2, 1, 0])
    with pytest.raises(ZeroDivisionError):
        run_both(threads, lambda: 1, lambda: 1 // 0)


def test_threads_are_those_asked_for_else_those_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROFACE_THREADS", "3")
    assert (threads_to_use(0), threads_to_use(2)) == (3, 2)
    monkeypatch.delenv("PROFACE_THREADS")
    assert threads_to_use(0) >= 1
    monkeypatch.setenv("PROFACE_THREADS", "-1")
    with pytest.raises(UsageError, match="PROFACE_THREADS"):
        threads_to_use(2)


def test_once_runs_once_however_many_threads_call() -> None:
    meeting, runs = threading.Barrier(4, timeout=300), []

    def slow() -> list[int]:
        runs.append(0)
        time.sleep(0.05)  # long enough for others to come; what is asserted holds if none does
        return [42]

    once = Once(slow)

    def call(_: int) -> list[int]:
        meeting.wait()
        return once()

    found = parallel_map(4, call, range(4))
    assert len(runs) == 1
    assert all(each is found[0] for each in found)
    once.forget()
    assert once() is not found[0]


def test_once_tries_again_after_an_error() -> None:
    outcomes = [0, 1]
    once = Once(lambda: 1 // outcomes.pop(0))
    with pytest.raises(ZeroDivisionError):
        once()
    assert once() == 1


def test_a_shared_setting_lasts_until_the_last_block_ends() -> None:
    """Blocks of two threads overlap: the second would otherwise put back what the first had set."""
    setting, values = SharedSetting(), ["before"]

    def change() -> Callable[[], object]:
        before, values[0] = values[0], "changed"
        return lambda: values.__setitem__(0, before)

    first, second = setting.changed(change), setting.changed(change)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert values == ["changed"]
    second.__exit__(None, None, None)
    assert values == ["before"]
