"""The container: header, seals, records, and the files and pixels that carry them (docs/format.md)."""
