"""Records: the data that recovery needs, written into the pixels of a face in case its metadata is lost."""
