"""Numbers to coordinates: axes, charts and traces, before any template sees them."""
