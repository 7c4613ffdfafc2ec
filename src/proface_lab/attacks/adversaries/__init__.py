"""One module per adversary; `proface_lab.attacks.registry` finds them by name."""
