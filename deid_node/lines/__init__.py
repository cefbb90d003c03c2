"""Lines between a node and the machines that work for it: mutual TLS 1.3, and messages."""
