"""Records: what recovery needs, written into the pixels of a face in case metadata is lost."""
