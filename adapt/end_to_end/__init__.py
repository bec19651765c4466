"""End-to-end mode: G_f is the backbone, which is trained too, on clips of the videos.

Methods, loop and run folder are those of the cached mode; `feed` computes the segment features of a
batch and takes their gradients back through the backbone.
"""
