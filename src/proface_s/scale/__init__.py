"""Whole collections on an existing engine: folders or fsspec URLs, one row per photo or clip in a manifest.

::

    source ─ picture_names ─► PhotoTask ─ engine (local, dask, ray) ─► protect_one ─► target
                                                     │
                                     run_job ◄── PhotoOutcome ──► manifest (Parquet)

* `proface_s.scale.job` — `CollectionJob`: what a run does, everything a worker is told.
* `proface_s.scale.locations` — folders and URLs, in which files are written atomically.
* `proface_s.scale.worker` — `protect_one`: one photo, in a worker; `proface_s.scale.clip_worker`: one clip.
* `proface_s.scale.manifest` — the outcome of every photo and clip; `proface_s.scale.outcomes` holds one.
* `proface_s.scale.engines` — `start_engine`: processes of this machine, dask, ray.
* `proface_s.scale.run` — `run_job`: the whole run.

There is no scheduler here: photos and clips are handed to an engine, which returns ``Future`` objects of the standard
library.  Needs the extra ``scale``.  Import from the modules; this package itself loads nothing.
"""
