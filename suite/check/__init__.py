"""Is a result file acceptable, and if not, which rule does it break and why?

One code for three moments: before the suite writes a result, when `check` reads one, and when the site is built.
"""
