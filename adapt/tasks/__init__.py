"""The benchmarks' tasks: classes, label maps and known counts."""
