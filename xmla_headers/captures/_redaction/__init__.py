"""What is secret in a capture, and how it is hidden."""
