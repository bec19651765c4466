"""What the machine has: cores, memory, devices, processes."""
