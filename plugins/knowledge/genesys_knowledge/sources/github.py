"""The plugin ``knowledge.github``: code on GitHub."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import quote

from genesys.text import clean
from genesys_knowledge.sources.answers import Answer, parser
from genesys_knowledge.sources.hits import Hit
from genesys_knowledge.sources.http import Conversation, Params
from genesys_knowledge.sources.source import Source

HEADERS = {
    "Accept": "application/vnd.github.text-match+json",
    "X-GitHub-Api-Version": "2022-11-28",
}


class _Match(Answer):
    fragment: str = ""


class _Repository(Answer):
    full_name: str
    description: str | None = None


class _Item(Answer):
    path: str
    html_url: str
    repository: _Repository
    text_matches: list[_Match] | None = None

    @property
    def hit(self) -> Hit:
        owner = self.repository.full_name.partition("/")[0]
        return Hit(
            id=f"github:{quote(f'{self.repository.full_name}/{self.path}')}",
            title=self.repository.description or self.repository.full_name,
            text="\n...\n".join(match.fragment for match in self.text_matches or ()),
            url=self.html_url,
            authors=[owner],
        )


class _Page(Answer):
    items: list[_Item]


@dataclass(frozen=True, kw_only=True, eq=False)
class GitHubKnowledge(Source):
    """Finds files with the words of a keyword, one request a keyword. It needs a token.

    Attributes:
        qualifiers: Added to every question, in GitHub's words.
    """

    source: ClassVar[str] = "github"
    variable: ClassVar[str] = "GITHUB_TOKEN"
    needs_key: ClassVar[bool] = True

    base_url: str = "https://api.github.com"
    seconds: float = 45.0
    per_minute: float = 9.0  # ten are allowed
    qualifiers: str = "language:python"

    async def page(self, service: Conversation, question: str, start: int, size: int) -> list[Hit]:
        """See ``Source.page``."""
        params: Params = {"q": f"{question} {self.qualifiers}".strip()}
        params |= {"per_page": size, "page": start // size + 1}
        url = f"{self.base_url}/search/code"
        found = await service.get(url, params, parser(_Page), HEADERS)
        return [item.hit for item in found.items]

    def text_of(self, hit: Hit) -> str:
        """See ``Source.text_of``; code keeps its lines."""
        return clean(hit.text)[: self.excerpt]
