"""Bytes -> raw elements. Knows XML and the skeleton of SOAP; no values, no rules, no schema."""
