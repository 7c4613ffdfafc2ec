"""Training of the secure flow: the torch model, the covers it is trained on, the loop and the export.

Needs the ``train`` extra; nothing below this package imports it.
"""
