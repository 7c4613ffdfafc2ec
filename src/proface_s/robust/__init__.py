"""The layer that survives recompression and resizing: small encrypted copies of faces in a whole photo."""
