"""What happens when in a recording: its windows' predictions as intervals, files and a picture."""
