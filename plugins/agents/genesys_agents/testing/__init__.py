"""A double of a language model that plays every role of the team well, or as badly as told."""
