"""Results of the API, and how they are shown."""
