"""Answers of models, garbage among them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesys_agents.team.answers import (
    Form,
    Unread,
    blocks,
    read_code,
    read_form,
    without_form,
)


class Verdict(Form):
    rating: float
    text: str = ""


GOOD = '{"rating": 4, "text": "fine"}'


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"Well.\n\n```json\n{GOOD}\n```\nThat is all.",
        f"```JSON\n{GOOD}\n```",
        f"```\n{GOOD}\n```",
        f"~~~json\n{GOOD}\n~~~",
        f"````json\n{GOOD}\n````",
        f"  ```json\n  {GOOD}\n  ```",
        f"```json\n{GOOD}",
        f"My answer is {GOOD} as I said.",
        f"```json\n{GOOD}\n```\nAgain:\n```json\n{GOOD}\n```",
        '{"rating": "4", "text": "fine", "mood": "sunny"}',
        "```json\nnot json\n```\n" + f"```json\n{GOOD}\n```",
    ],
)
def test_a_form_is_found(text: str) -> None:
    assert read_form(text, Verdict) == Verdict(rating=4, text="fine")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no JSON object with rating, text"),
        ("I'd say four of five.", "no JSON object"),
        ("```json\n{rating: 4}\n```", "cannot be read"),
        ('{"text": "fine"}', "rating: field required"),
        ('{"rating": "high"}', "rating: input should be a valid number"),
        ('{"rating": NaN}', "rating: input should be a finite number"),
        ("```json\n[{}]\n```", "no object"),
        ('```json\n{"rating": 1}\n```\n```json\n{"rating": 5}\n```', "2 answers that differ"),
        ("{" * 5000 + "}" * 5000, ""),
    ],
)
def test_what_is_wrong_is_told(text: str, problem: str) -> None:
    read = read_form(text, Verdict)
    assert isinstance(read, Unread)
    assert problem in str(read)


@given(st.text())
def test_nothing_raises(text: str) -> None:
    for read in (read_form(text, Verdict), read_code(text)):
        assert read
    assert isinstance(without_form(text), str)


@given(st.floats(0, 5), st.text(), st.text(alphabet="ab \n`~{}", max_size=30))
def test_any_form_is_read_back(rating: float, text: str, around: str) -> None:
    wanted = Verdict(rating=rating, text=text)
    answer = f"```json\n{json.dumps(wanted.model_dump())}\n```"
    assert read_form(answer, Verdict) == wanted
    assert read_form(f"{around.replace('`', '').replace('~', '')}\n{answer}", Verdict) == wanted


def test_code_is_found() -> None:
    text = "One:\n```python\nx = 1\n```\nTwo:\n```py\ny = 2\n```\n```json\n{}\n```\n"
    assert read_code(text) == ["x = 1\n", "y = 2\n"]
    assert read_code("```python\nx = '''\n``` in text\n'''\n```") == ["x = '''\n``` in text\n'''\n"]
    assert isinstance(read_code("x = 1"), Unread)
    assert isinstance(read_code("```python\n\n```"), Unread)


def test_a_cut_answer_keeps_what_came() -> None:
    assert read_code("```python\nx = 1\ny =") == ["x = 1\ny =\n"]


def test_a_longer_fence_holds_shorter_ones() -> None:
    (block,) = blocks("````markdown\n```python\nx\n```\n````\n")
    assert block.text == "```python\nx\n```\n"


def test_the_rest_of_an_answer() -> None:
    text = f"# Title\n\n```json\n{GOOD}\n```\n\nBody with ```code``` in it.\n"
    assert without_form(text) == "# Title\n\n\n\nBody with ```code``` in it."


def test_the_schema_asks_for_everything() -> None:
    schema = Verdict.schema_of_all()
    assert schema["required"] == ["rating", "text"]
    assert schema["additionalProperties"] is False
    assert "default" not in str(schema)
