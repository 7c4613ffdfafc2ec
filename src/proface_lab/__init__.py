"""The lab: training, evaluation and attacks, for researchers.  The product does not import it."""
