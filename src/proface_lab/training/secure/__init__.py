"""The couplings of the secure flow as a network to train."""
