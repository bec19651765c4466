"""What ``tcon adapt`` does where nothing is said; light, so that ``--help`` is quick."""

METHODS = ("source_only", "tcon")
MODALITY = "rgb"
SEGMENTS = 6  # K
SEEDS = 1
PRESET = "matched"  # the preset that changes nothing
OUTPUT = "runs"
EPOCHS = 90
MIN_STEPS = 600
NORMALISE = "domain"
