"""How fast xmla_headers is, and what it needs: one question per file, `python -m benchmarks`."""
