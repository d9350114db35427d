"""The population: the evolution tree, its store on disk, and what is asked of it."""
