"""End-to-end mode: G_f is the backbone, trained with everything else on clips of the videos.

The methods, the loop and the run folder are those of the cached mode; `feed` makes the segment
features of a batch and takes their gradients.
"""
