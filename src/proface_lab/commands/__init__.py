"""Commands of the lab, shown by ``proface`` beside its own: train, export, evaluate, attack."""
