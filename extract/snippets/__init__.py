"""Frames to snippets: sampling, preprocessing, transforms, views and cutting."""
