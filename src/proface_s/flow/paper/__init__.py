"""The published system as a model to choose (arXiv 2307.09146): for comparison, because its pixels are not secret.

It runs on the trained graphs alone, without torch.  The key map is the face key's keystream, one bit a pixel, fresh for
every face; the publication derives it from the password, the same for every picture of a size.  Everything around the
pixels (keys, seal, records, header) is that of the secure flow.
"""
