"""Real engines: a dask cluster and a process pool, killed workers, and clusters that cannot do the work."""

from __future__ import annotations

import hashlib
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pyarrow")
distributed = pytest.importorskip("distributed")

from scale_kit import draw_folder, job_for, lethal_work  # noqa: E402

from proface_s.api import recover  # noqa: E402
from proface_s.cli.hints import command_line_hint  # noqa: E402
from proface_s.errors import ImageError, UsageError  # noqa: E402
from proface_s.keys.recipients import Identity  # noqa: E402
from proface_s.scale import dask_engine, engines, run  # noqa: E402
from proface_s.scale.engines import start_engine  # noqa: E402
from proface_s.scale.locations import Location  # noqa: E402
from proface_s.scale.manifest import MAIN, open_manifest, read_rows  # noqa: E402
from proface_s.scale.outcomes import PhotoOutcome  # noqa: E402

# what the engine itself leaves open when its processes are killed is not ours to close
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]

PHOTOS = [f"sub{i % 2}/{i:02}.png" for i in range(10)]


@pytest.mark.parametrize("engine", ["dask", "local"])
def test_nothing_is_lost_or_done_twice_when_workers_die(
    engine: engines.EngineName, here: Path, identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    lethal = ["sub0/05-once.png", "sub0/07-midway.png", "sub1/05-late.png", "sub1/00-always.png"]
    pixels = draw_folder(here / "in", PHOTOS + lethal)
    (here / "in" / "broken.png").write_bytes(b"no picture")
    monkeypatch.setattr(run, "protect_one", lethal_work)
    job = job_for(here / "in", here / "out", identity.recipient)
    told: list[PhotoOutcome] = []
    manifest = open_manifest(Location(str(here / "manifest")), job)
    with start_engine(engine, job, jobs=2) as opened:
        summary = run.run_job(job, opened, manifest, told.append)
    assert summary.counts == {"done": len(PHOTOS) + 3, "poisoned": 1, "failed": 1}
    assert Counter(outcome.row.source for outcome in told) == Counter([*pixels, "broken.png"])

    rows = {row["source"]: row for row in read_rows(Location(str(here / "manifest")), [MAIN]).to_pylist()}
    assert set(rows) == {*pixels, "broken.png"}
    assert {row["run"] for row in rows.values()} == {manifest.run}
    assert rows["sub1/00-always.png"]["reason"] == "3 workers died while they worked on it"
    assert rows["broken.png"]["reason"] == "the file is not a picture this program knows"
    assert rows["sub0/05-once.png"]["attempt"] > 1
    assert rows["sub0/07-midway.png"]["attempt"] > 1
    assert rows["sub1/05-late.png"]["attempt"] > 1
    written = {str(path.relative_to(here / "out")) for path in (here / "out").rglob("*") if path.is_file()}
    assert written == {row["target"] for row in rows.values() if row["status"] == "done"}
    for name in (*PHOTOS, *lethal[:3]):
        data = (here / "out" / rows[name]["target"]).read_bytes()
        assert rows[name]["target_sha256"] == hashlib.sha256(data).hexdigest()
        assert np.array_equal(recover(here / "out" / rows[name]["target"], identities=[identity],
                                      output=here / "back.png", overwrite=True).recovered, pixels[name])  # fmt: skip


def test_in_a_cluster_of_our_own_a_death_concerns_one_photo_only(
    here: Path, identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw_folder(here / "in", [*PHOTOS, "sub0/05-once.png"])
    monkeypatch.setattr(run, "protect_one", lethal_work)
    job = job_for(here / "in", here / "out", identity.recipient)
    told: list[PhotoOutcome] = []
    manifest = open_manifest(Location(str(here / "manifest")), job)
    with start_engine("dask", job, jobs=2) as opened:
        run.run_job(job, opened, manifest, told.append)
    assert Counter((here / "done.log").read_text().split()) == Counter(outcome.row.source for outcome in told)
    assert {o.row.source: o.row.attempt for o in told} == {**dict.fromkeys(PHOTOS, 1), "sub0/05-once.png": 2}
    assert len({outcome.row.worker for outcome in told}) > 1


def test_a_worker_that_takes_too_much_memory_is_stopped(
    here: Path, identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw_folder(here / "in", ["a.png", "hog.png", "z.png"])
    monkeypatch.setattr(run, "protect_one", lethal_work)
    monkeypatch.setattr(run, "MAX_ATTEMPTS", 1)
    monkeypatch.setattr(dask_engine, "MEMORY_MIB", 600)
    job = job_for(here / "in", here / "out", identity.recipient)
    manifest = open_manifest(Location(str(here / "manifest")), job)
    with start_engine("dask", job, jobs=1) as opened:
        summary = run.run_job(job, opened, manifest, lambda outcome: None)
    assert summary.counts == {"done": 2, "poisoned": 1}


def test_a_poisoned_photo_stays_aside_until_it_changes(
    here: Path, identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw_folder(here / "in", ["a.png", "always.png"])
    monkeypatch.setattr(run, "protect_one", lethal_work)
    job, location = job_for(here / "in", here / "out", identity.recipient), Location(str(here / "manifest"))
    manifest = open_manifest(location, job)
    with start_engine("local", job, jobs=2) as opened:
        run.run_job(job, opened, manifest, lambda outcome: None)
    monkeypatch.undo()
    monkeypatch.setenv("PROFACE_THREADS", "1")
    with start_engine("local", job) as opened:
        again = run.run_job(job, opened, open_manifest(location, job), lambda outcome: None)
        draw_folder(here / "in", ["x.png", "y.png", "always.png"])
        changed = run.run_job(job, opened, open_manifest(location, job), lambda outcome: None)
    assert (again.counts, again.unchanged) == ({"done": 1, "poisoned": 1}, 2)
    assert (changed.counts, changed.unchanged) == ({"done": 4}, 1)


@pytest.fixture
def foreign_cluster(here: Path) -> Iterator[str]:
    """Address of a running cluster whose worker does not have this program."""
    preload = here / "without.py"
    preload.write_text("import sys\nsys.modules['proface_s'] = None\n")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, **dask_engine.QUIET, preload=str(preload)
    ) as cluster:
        yield cluster.scheduler_address


def test_a_worker_without_the_program_is_refused_at_once(here: Path, identity: Identity, foreign_cluster: str) -> None:
    (here / "in").mkdir()
    (here / "out").mkdir()
    job = job_for(here / "in", here / "out", identity.recipient)
    with (
        pytest.raises(UsageError, match=r"worker tcp://\S+ cannot load this program: ModuleNotFoundError") as caught,
        start_engine("dask", job, address=foreign_cluster),
    ):
        pass
    assert caught.value.code == "worker-package"
    assert "install" in str(command_line_hint(caught.value))


def test_an_existing_cluster_does_the_work(here: Path, identity: Identity) -> None:
    draw_folder(here / "in", PHOTOS[:4])
    job = job_for(here / "in", here / "out", identity.recipient)
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, **dask_engine.QUIET) as cluster:
        manifest = open_manifest(Location(str(here / "manifest")), job)
        with start_engine("dask", job, address=cluster.scheduler_address) as opened:
            summary = run.run_job(job, opened, manifest, lambda outcome: None)
        lost = job_for(here / "nowhere", here / "out", identity.recipient)
        with (
            pytest.raises(ImageError, match=r"worker tcp://.*: .*nowhere does not exist on"),
            start_engine("dask", lost, address=cluster.scheduler_address),
        ):
            pass
    assert summary.counts == {"done": 4}


def test_no_scheduler_at_the_address(here: Path, identity: Identity, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_engine, "_CONNECT_SECONDS", 0.2)
    job = job_for(here, here / "out", identity.recipient)
    with (
        pytest.raises(UsageError, match=r"the dask scheduler tcp://127\.0\.0\.1:9 cannot be reached"),
        start_engine("dask", job, address="tcp://127.0.0.1:9"),
    ):
        pass


def test_an_engine_that_is_not_installed_says_what_to_install(
    here: Path, identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    job = job_for("a", "b", identity.recipient)
    with pytest.raises(UsageError, match="needs ray") as caught, start_engine("ray", job):
        pass
    assert command_line_hint(caught.value) == 'install the extra: pip install "proface-s[ray]"'


def counted(log: Path) -> int:
    """Notes that it was called; gives how often that was."""
    with log.open("a") as file:
        file.write("x")
    return len(log.read_text())


def test_a_task_that_dask_repeats_gives_the_answer_it_gave(here: Path) -> None:
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=1, processes=False, **dask_engine.QUIET) as cluster,
        distributed.Client(cluster) as client,
    ):
        calls = [("first", ["path", "0"]), ("first", ["path", "0"]), ("second", ["path", "0"])]
        answers = [
            client.submit(dask_engine.call_once, path, token, counted, here / "log", pure=False).result(300)
            for token, path in calls
        ]
    assert answers == [1, 1, 2]
