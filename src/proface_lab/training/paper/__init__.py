"""The published system (PRO-Face S) as a network to train."""
