"""The capture formats, one module each."""
