"""Answers from your own documents, run like a service you are on call for."""

__version__ = "0.1.0"
