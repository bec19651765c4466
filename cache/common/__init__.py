"""What every room builds on: console, devices, file locks, plug-ins, records as JSON, ranges."""
