"""The inner parts of the data loader; not public."""
