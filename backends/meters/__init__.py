"""Meters: each turns one vendor's counter or power reading into a rising count of microjoules."""
