"""What the names of videos' files end in."""

VIDEO_SUFFIXES = (
    *(".3gp", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts"),
    *(".ogv", ".ts", ".webm", ".wmv", ".asf", ".dav", ".divx", ".f4v", ".h264", ".mjpeg", ".mxf"),
    *(".ogm", ".rm", ".rmvb", ".vob", ".y4m"),
)
FEATURE_SUFFIXES = (".t7", ".npy", ".npz")
# What a name may end in and mean the same video: also Olympic Sports' .seq, images, features.
KNOWN_SUFFIXES = (
    *VIDEO_SUFFIXES,
    *(".seq", ".jpg", ".jpeg", ".png"),
    *(*FEATURE_SUFFIXES, ".pt", ".pth", ".mat", ".pkl", ".h5", ".hdf5"),
)
# What cannot be a video, so that no file of this name has to be opened to see it.
NO_VIDEO_SUFFIXES = (
    *(*FEATURE_SUFFIXES, ".pt", ".pth", ".mat", ".pkl", ".h5", ".hdf5", ".parquet"),
    *(".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".flo"),
    *(".txt", ".csv", ".tsv", ".json", ".jsonl", ".xml", ".yaml", ".yml", ".md", ".html", ".log"),
    *(".srt", ".vtt", ".pdf", ".xlsx", ".xls", ".ods", ".docx", ".py", ".sh", ".ipynb"),
    *(".wav", ".mp3", ".aac", ".flac", ".m4a", ".zip", ".tar", ".gz", ".tgz", ".7z", ".rar"),
)
