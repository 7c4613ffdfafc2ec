"""Connections of the service: limits on their number and on the time that each may take."""
