"""Keys: derivations, text forms, and what they open (docs/format.md, sections 3 and 4)."""
