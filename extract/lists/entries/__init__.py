"""What one line of a list says of a video, and what its names mean."""
