"""One module per command of ``proface``; each defines ``command``."""
