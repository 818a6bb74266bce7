"""Joulemark: how much energy AI work costs on this machine, and why."""

__version__ = "0.1.0"
