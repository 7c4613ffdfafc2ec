"""Whole collections on an existing engine: folders or fsspec URLs, one row per photo in a manifest.

::

    SRC ─ places.find_pictures ─► Task ─ engines (local, dask, ray) ─► work.protect_one ─► DST
                                                     │
                                     run.run_job ◄── Outcome ──► manifest (Parquet)

* `proface_s.scale.job` — `Job`: what a run does, everything a worker is told.
* `proface_s.scale.locations` — folders and URLs; files that appear whole or not at all.
* `proface_s.scale.worker` — what a worker does with one photo.
* `proface_s.scale.manifest` — what became of every photo.
* `proface_s.scale.engines` — `open_engine`: processes of this machine, dask, ray.
* `proface_s.scale.run` — `run_job`.

No schedulers here: tasks are handed to an engine through the standard library's ``Future`` and waited for.  Needs the
extra ``scale``; import from the modules, this package itself loads nothing.
"""
