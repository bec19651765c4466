"""What lies below a folder: videos, and what is passed over."""
