"""Share copies: pictures for sending, in whose pixels reduced copies of the faces survive recompression."""
