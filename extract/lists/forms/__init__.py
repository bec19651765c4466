"""The forms that lists of videos have in this field, one file each."""
