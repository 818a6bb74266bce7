"""Figures of others read into foreign references, and our own told in the formats of others. No clock, no output."""
