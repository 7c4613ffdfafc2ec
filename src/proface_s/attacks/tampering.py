"""7. Tampering: an altered file ends in an error, or in a result that is not called exact."""
