"""Documents in: read, split, seal a revision, search."""
