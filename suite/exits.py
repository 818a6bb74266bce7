"""Exit codes, one meaning each."""

OK = 0
BUG = 1
USAGE = 2
NOTHING_TO_RUN = 3
CELLS_FAILED = 4
CHECK_FAILED = 5
UNSTABLE = 6
REGRESSION = 7
CANNOT_WRITE = 74
INTERRUPTED = 130

WROTE_A_RESULT = (OK, CELLS_FAILED, CHECK_FAILED, UNSTABLE)
"""How a run ends that has a result to show."""
