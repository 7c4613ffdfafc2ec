"""The secure flow: faces as digits, a one-time pad over them, and covers that take them up."""
