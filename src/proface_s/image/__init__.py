"""Imaging: picture files <-> uint8 RGB.  Knows neither keys nor models.

* `proface_s.image.read` — `read_picture`.
* `proface_s.image.write` — `encode_png`, `write_atomic`, `check_output_path`.
* `proface_s.image.metadata` — which metadata may be kept.
* `proface_s.image.regions` — `cut` / `paste`.

Import from the modules: this package itself loads nothing, so that ``--help`` stays fast.
"""
