"""Moving running instances to another version: checked first, in batches, and taken back if need be."""
