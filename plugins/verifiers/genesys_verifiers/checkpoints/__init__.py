"""What is kept of trainings under way and of trained models."""
