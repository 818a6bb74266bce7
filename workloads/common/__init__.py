"""What workloads share: data with known floors (numpy only), and the programs' common course in each framework."""
