"""Lines of function-body code."""

from genesys.gau.lines import function_lines

CODE = '''\
import torch


class Unit(Base):
    """A docstring."""

    width = 3

    def __init__(self, dim):
        """Another one,

        of several lines.
        """
        super().__init__()  # 1

        # a comment
        self.layer = Linear(  # 2
            dim,  # 3
            # between
            dim,  # 4
        )  # 5

    def _forward(self, X):
        def inner(x):  # 6
            "A third."
            return x  # 7

        text = """  # 8

        """  # 10, and the line between
        return inner(X), text  # 11


@gau_test
def test_it():
    assert Unit(3)
'''


def test_lines_with_code_in_bodies_count():
    assert function_lines(CODE) == 11


def test_without_functions_there_are_none():
    assert function_lines("x = 1\n") == 0
