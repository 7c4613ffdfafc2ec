"""Training: the networks in torch, the faces and covers they are trained on, the training loop and the export.

Needs the ``train`` extra; nothing below this package imports it.
"""
