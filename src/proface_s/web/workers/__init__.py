"""Worker processes of the service, and the limits on what their jobs may use."""
