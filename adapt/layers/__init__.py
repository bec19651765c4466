"""The mathematics that methods share: pure functions and thin modules."""
