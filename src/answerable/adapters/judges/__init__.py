"""Cross-encoders that judge; the judge that ships needs none."""
