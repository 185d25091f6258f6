"""Language models, and the wrappers that fit the same port."""
