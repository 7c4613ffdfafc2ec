"""Pictures in and out of the API: paths, bytes, PIL images and arrays, with their sidecars."""
