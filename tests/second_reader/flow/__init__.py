"""The flow: from a face key and a region to the estimate of the original (docs/reference/flow.md)."""
