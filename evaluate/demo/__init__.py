"""What `tcon demo` does."""
