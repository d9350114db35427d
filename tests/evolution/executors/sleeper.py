"""A guest of a sandbox that does nothing."""


class Sleeper:
    def __init__(self, payload, emit, scratch):
        pass
