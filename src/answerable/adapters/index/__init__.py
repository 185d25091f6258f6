"""Lexical index: tantivy with sealed revisions, and an in-memory oracle."""
