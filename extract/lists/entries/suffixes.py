"""What the names of videos' files end in."""

VIDEO_SUFFIXES = (
    *(".3gp", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts"),
    *(".ogv", ".ts", ".webm", ".wmv"),
)
# What a name may end in and mean the same video: also Olympic Sports' .seq, images, features.
KNOWN_SUFFIXES = (
    *VIDEO_SUFFIXES,
    *(".seq", ".jpg", ".jpeg", ".png"),
    *(".t7", ".pt", ".pth", ".npy", ".npz", ".mat", ".pkl", ".h5", ".hdf5"),
)
