"""What a design takes in time and memory beside the reference."""
