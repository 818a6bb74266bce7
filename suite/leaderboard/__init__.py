"""Result files to a static site: pages, charts and downloads that open from disk."""

from suite.leaderboard.build import Built, build

__all__ = ["Built", "build"]
