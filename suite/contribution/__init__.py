"""A pull request to the results: is it results and nothing else, are they acceptable, and where would they stand?

The base branch's code judges, and reads of the pull request its git objects only: nothing of it is checked out or run.
"""
