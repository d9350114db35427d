"""What a population looks like as a whole, from Arrow tables (sec. 5.1, app. D and E)."""
