"""Engines that compute TV-L1 flow: CPU (numba), CUDA (Triton), plain torch and OpenCV."""
