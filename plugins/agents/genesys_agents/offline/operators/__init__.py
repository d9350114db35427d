"""The genetic operators: mutation, crossover and making from scratch."""
