"""Vectors of a revision: immutable segments, scanned exactly or by cells."""
