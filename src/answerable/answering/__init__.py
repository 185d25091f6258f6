"""Questions out: retrieve, ladder, claim check, citations, outcome."""
