"""Documents agree with the code: links lead to files, versions are the same everywhere, workflows are pinned."""

import re
from pathlib import Path

import lesion
import pytest

from tests.support.paths import REPOSITORY

PAGES = (
    REPOSITORY / "README.md",
    REPOSITORY / ".github" / "CONTRIBUTING.md",
    *sorted((REPOSITORY / "docs").rglob("*.md")),
)
WORKFLOWS = sorted((REPOSITORY / ".github" / "workflows").glob("*.yml"))


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub forms them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_and_headings(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        path, _, anchor = target.partition("#")
        if re.match(r"https?:", target) or path.startswith("../../actions/"):
            continue
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), target
        assert not anchor or anchor in anchors(linked), target


def test_index_lists_every_page() -> None:
    index = (REPOSITORY / "docs" / "README.md").read_text()
    pages = {page.relative_to(REPOSITORY / "docs").as_posix() for page in (REPOSITORY / "docs").rglob("*.md")} - {
        "README.md"
    }
    assert {page for page in pages if f"({page})" not in index} == set()


def test_readme_has_at_most_1000_words() -> None:
    assert len((REPOSITORY / "README.md").read_text().split()) <= 1000


def test_code_version_is_the_same_everywhere() -> None:
    """The changelog's latest release and the citation name `lesion.__version__`."""
    releases = re.findall(r"^## \[(\d+\.\d+\.\d+)\]", (REPOSITORY / "docs" / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert releases[0] == lesion.__version__
    assert f"\nversion: {lesion.__version__}\n" in (REPOSITORY / "CITATION.cff").read_text()


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned_by_commit(workflow: Path) -> None:
    uses = re.findall(r"uses: (\S+)( # v[0-9.]+)?", workflow.read_text())
    assert uses
    for action, version in uses:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action) and version, action


def test_make_help_lists_every_target_of_the_readme() -> None:
    described = set(re.findall(r"^([a-z-]+):.*?## ", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    for page in PAGES:
        for target in re.findall(r"\bmake ([a-z]+(?:-[a-z]+)*)\b(?=[`\s])", code_of(page)):
            assert target in described, f"{page.name}: make {target}"


def code_of(page: Path) -> str:
    """Return the code of a page: its inline code and its indented or fenced blocks."""
    text = page.read_text()
    blocks = re.findall(r"^(?: {4}|\t).*$", text, re.MULTILINE)
    return "\n".join([*re.findall(r"`[^`\n]+`", text), *blocks]) + "\n"
