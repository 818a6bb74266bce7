"""Rows, boards, scores and the ladder of trust: who stands where, and why."""
