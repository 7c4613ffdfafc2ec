"""Protected JPEG files: covers and originals as quantised coefficients, nothing hidden in pixels.

* `regions` — `McuGrid`: disjoint regions of whole MCUs.
* `sources` — `jpeg_source`: the JPEG that a photo is, or is made into.
* `protecting` — `protect_jpeg`, and `recovering` — `recover_jpeg`, its inverse.
* `protected` — `open_protected_jpeg`, `changed_areas`: a protected JPEG against its header.
* `changing` — `with_erased_areas`, `encode_changed`: for `forget` and `rewrap`.
"""
