"""Commands of the lab, which ``proface`` shows beside its own: train, export, evaluate, attack."""
