"""What an extraction needs of the machine: devices, precision, batches, cores and memory."""
