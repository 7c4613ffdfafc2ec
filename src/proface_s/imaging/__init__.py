"""Imaging: picture files <-> uint8 RGB.  Knows neither keys nor models.

* `proface_s.imaging.reading` — `read_picture`.
* `proface_s.imaging.writing` — `encode_png`, `write_atomic`, `check_output_path`.
* `proface_s.imaging.metadata` — which metadata may be kept.
* `proface_s.imaging.regions` — `cut` / `paste`.

Import from the modules: this package itself loads nothing, so that ``--help`` stays fast.
"""
