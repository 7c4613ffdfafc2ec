"""Training of the face codec: metric, bases, restoring network, and all of it through quantisation noise."""
