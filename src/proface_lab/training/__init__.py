"""Training: the networks in torch, the faces and covers they are trained on, the training loop and the export.

Needs the ``train`` extra; nothing below this package imports it.
"""

from proface_s.silence import private_cache

private_cache("TORCHINDUCTOR_CACHE_DIR")  # Lightning imports torch's compiler, which leaves a folder behind
