"""What a result's own pages show."""
