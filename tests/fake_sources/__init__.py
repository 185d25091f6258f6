"""Websites, repositories and buckets on this machine, and a library to read them into."""
