"""Pictures: files to uint8 RGB and back, without keys or models.

* `proface_s.image.read`: `read_picture`.
* `proface_s.image.write`: `encode_picture`, `write_atomic`, `check_output_path`.
* `proface_s.image.atomic`: `appearing_file`, under a temporary name until it is complete.
* `proface_s.image.metadata`: the metadata that may be kept.
* `proface_s.image.regions`: `cut` and `paste`.
* `proface_s.image.transparency`: alpha, and a picture on the backgrounds it may be shown on.
* `proface_s.image.measures`: `psnr`.

Import from these modules: the package itself loads nothing, so that ``--help`` stays fast.
"""
