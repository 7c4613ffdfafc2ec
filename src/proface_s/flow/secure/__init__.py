"""The secure flow: faces as digits, a one-time pad over the digits, and covers that carry them."""
