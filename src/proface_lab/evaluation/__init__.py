"""Measurement of quality and privacy: the same figures for any `Method`, on any folder of faces.

Needs the ``eval`` extra (and ``train`` for the published system); nothing below this package imports it.
docs/evidence/evaluation.md defines the measures and gives the reasons for them.
"""
