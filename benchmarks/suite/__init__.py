"""What `make bench` measures: ours and what a user would pick instead, taking turns in one run."""
