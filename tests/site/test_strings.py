"""What the page says, in each of its languages: complete, of one mind, and nothing that it must not say."""

import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from lesion.inference import messages
from lesion.inference.messages import DISCLAIMER
from lesion.settings import Settings
from lesion.web import problems

from infra.packaging.page import PageError, with_text
from tests.support.paths import REPOSITORY
from tests.support.site.languages import ENGLISH, LANGUAGES, STRINGS

SITE = REPOSITORY / "infra" / "site"
SCRIPTS = sorted((SITE / "js").rglob("*.js"))
PAGE = (SITE / "index.html").read_text()

FORBIDDEN = {
    "en": r"\bdiagnos(e|ed|ing)\b|(?<!the )\bdiagnoses\b|\bdetect\w* (skin )?cancer|\bsafe(ly)?\b"
    r"|\blow[- ]risk\b|\bharmless",
    "es": r"\bdiagnostic\w*|\bdetect\w* (el |un )?cáncer|\bsegur[oa]s?\b|\bbajo riesgo\b|\briesgo bajo\b|\binofensiv",
    "de": r"diagnostizier|\b(haut)?krebs\w* (erkenn|entdeck)|\bsicher|ungefährlich|harmlos|unbedenklich"
    r"|(geringes|niedriges|kleines) risiko",
    "fr": r"\bdiagnostiqu\w*|\bdétect\w* (le |un )?cancer|\bsûre?s?\b|sans danger|\bsécurité|\brisque faible\b"
    r"|\bfaible risque\b|inoffensi",
    "pt": r"\bdiagnostic\w*|\bdetect\w* (o |um )?câncer|\bsegur[oa]s?\b|\bseguramente\b|\bbaixo risco\b|\brisco baixo\b"
    r"|\binofensiv",
    "it": r"\bdiagnostic\w*|\b(rilev|individu)\w* (il |un )?(tumore|cancro)|\bsicur[oaie]\b|\bsicuramente\b"
    r"|\bbasso rischio\b|\brischio basso\b|\binnocu[oaie]\b|\binoffensiv",
}
MARKS = "✓✔✅☑"


def places(sentence: str) -> set[str]:
    """What a sentence is filled with."""
    return set(re.findall(r"{{.+?}}", sentence))


def same(text: str) -> str:
    """The words, however they are broken into lines."""
    return " ".join(text.split())


class Words(HTMLParser):
    """Collects the page's text, each piece with the key that its element names, and what attributes say aloud."""

    EMPTY = frozenset({"meta", "link", "input", "img", "br", "circle", "path", "line"})

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[tuple[str | None, str]] = []
        self._open: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        for attribute, key in (("aria-label", "data-t-label"), ("content", "data-t-content")):
            text = known.get(attribute)
            spoken = text and " " in text and known.get("name") not in ("viewport", "color-scheme")
            if spoken or key in known:
                self.pieces.append((known.get(key), text or ""))
        assert not {"title", "placeholder"} & set(known), f"{tag} has words in an attribute that nothing translates"
        if tag not in self.EMPTY:
            self._open.append((tag, known))

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.EMPTY:
            assert self._open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            tag, known = self._open[-1]
            inside = [name for name, _ in self._open]
            # Each language is called by its own name; and two sentences are for when there is no other language.
            if tag == "option" or "noscript" in inside or known.get("id") == "broken":
                return
            self.pieces.append((known.get("data-t"), data))


def test_languages_agree_everywhere() -> None:
    """Page, menu and files list the same languages."""
    assert list(LANGUAGES) == re.findall(r'<option value="(\w+)" lang="\1">', PAGE)
    assert sorted(LANGUAGES) == sorted(STRINGS) == sorted(FORBIDDEN)


@pytest.mark.parametrize("language", STRINGS)
def test_translations_have_equal_keys_and_placeholders(language: str) -> None:
    """Every language has all keys and the same placeholders."""
    strings = STRINGS[language]
    assert strings.keys() == ENGLISH.keys()
    assert all(sentence.strip() for sentence in strings.values())
    assert {key: places(strings[key]) for key in strings} == {key: places(ENGLISH[key]) for key in ENGLISH}


@pytest.mark.parametrize("language", STRINGS)
def test_translations_contain_no_forbidden_claim(language: str) -> None:
    """No language contains a claim that a page like this must not make."""
    forbidden = re.compile(FORBIDDEN[language], re.IGNORECASE)
    found = {key: forbidden.search(sentence) for key, sentence in STRINGS[language].items()}
    assert {key: match.group() for key, match in found.items() if match} == {}
    assert not [key for key, sentence in STRINGS[language].items() if set(MARKS) & set(sentence)]


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "It is safe."),
        ("es", "Es segura."),
        ("es", "La página diagnostica."),
        ("de", "Das ist sicher."),
        ("de", "Die Seite diagnostiziert."),
        ("fr", "Ce serait sûr."),
        ("fr", "Elle diagnostique."),
        ("pt", "Ela é segura."),
        ("pt", "A página diagnostica."),
        ("it", "È sicura."),
        ("it", "La pagina diagnostica."),
    ],
)
def test_forbidden_patterns_match_examples(language: str, sentence: str) -> None:
    """The patterns of forbidden claims match examples."""
    assert re.search(FORBIDDEN[language], sentence, re.IGNORECASE)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        # The test's figures are for its threshold, not for one image's number.
        ("advice.above_figures", ("above the threshold", "umbral", "Schwellenwert", "seuil", "limiar", "soglia")),
        ("result.slow", ("connection", "conexión", "Verbindung", "connexion", "conexão", "connessione")),
        ("notice.rest", ("processed in", "procesan en", "verarbeitet", "traitées en", "processadas na", "elaborate in")),
        ("about.privacy_text", ("processed in", "procesa en", "verarbeitet", "traitée en", "processada na", "elaborata in")),
        ("meaning.legend", ("Suppose it were", "Suponga que fueran", "wären", "soit", "fossem", "siano")),
        ("evidence.neither", ("neither", "ni una ni otra", "weder noch", "ni l’un", "nem uma", "né l’una")),
        # A precancer, and counted with the malignant ones.
        ("result.precancerous", ("malignant", "maligna", "bösartig", "comme maligne", "maligna", "maligna")),
        ("labels.malignant.melanoma", (", malignant", " maligno", ", bösartig", " malin", " maligno", " maligno")),
        ("labels.benign.nevus", (", benign", " benigno", ", gutartig", " bénin", " benigno", " benigno")),
        ("labels.benign.vascular_lesion", (", benign", " benigna", ", gutartig", " bénigne", " benigna", " benigna")),
    ],
)
def test_translations_contain_required_wording(key: str, words: tuple[str, ...]) -> None:
    """Sentences that are easily wrong contain the required wording, in the order of the language menu."""
    required = dict(zip(LANGUAGES, words, strict=True))
    assert {language: said for language, said in required.items() if said not in STRINGS[language][key]} == {}


@pytest.mark.parametrize("language", STRINGS)
def test_strings_leave_numbers_to_the_region(language: str) -> None:
    """Thousands and units are formatted for the region of the reader, not written in a sentence."""
    pattern = re.compile(r"\b\d{1,3}[.,\s]\d{3}\b|\b1000\b|\bM[Bo]\b")
    assert {key for key, sentence in STRINGS[language].items() if pattern.search(sentence)} == set()


def pieces(page: str) -> list[tuple[str | None, str]]:
    words = Words()
    words.feed(page)
    return words.pieces


def test_document_contains_no_sentences() -> None:
    """The English sentences are in the English file only: index.html names them."""
    assert [text for _, text in pieces(PAGE) if text] == []


def test_published_document_text_equals_english_file() -> None:
    """The published page can be read without JavaScript: each element has the text of the English file."""
    published = pieces(with_text(PAGE, ENGLISH))
    assert len(published) > 50
    assert [piece for piece in published if piece[0] is None] == []
    assert [(key, text) for key, text in published if key and ENGLISH[key] != same(text)] == []
    named = re.findall(r'data-t(?:-\w+)?="(.+?)"', PAGE)
    assert [key for key, _ in published] == named


@pytest.mark.parametrize(
    ("page", "complaint"),
    [('<p data-t="none"></p>', "'none', which strings/en.json does not"), ('<p data-t="title">A title</p>', "empty")],
)
def test_document_text_has_one_source(page: str, complaint: str) -> None:
    """A text that does not exist, or that is written twice, is a sentence."""
    with pytest.raises(PageError, match=complaint):
        with_text(page, ENGLISH)


def literals(script: str) -> list[str]:
    """Every string in a script, comments, imports and what only a console shows aside."""
    code = re.sub(r"/\*[\s\S]*?\*/|(?<![:\"'`])//.*|^import .*|^} from .*", "", script, flags=re.MULTILINE)
    code = re.sub(r"new (?:Error|DOMException)\((?:\".*?\"|`.*?`)", "", code)
    return ["".join(found) for found in re.findall(r'"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`', code)]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_contain_no_sentences(script: Any) -> None:
    """No script contains a sentence of its own."""
    # Two words with a space between, or one with a capital letter and a full stop: a sentence, not a name of something.
    words = [
        text
        for text in literals(script.read_text())
        if re.search(r"[a-z]{2,} [a-z]{2,}.*[.?!]$|^[A-Z][a-z]+( [a-z]+)+[.?!]?$", re.sub(r"\${.*?}", "", text))
    ]
    # For who maintains the page, not for who reads it; and the service's own name, which is compared with.
    allowed = ("index.html has no", "The page's text could not be loaded.", "Skin-lesion classifier")
    assert [text for text in words if not text.startswith(allowed)] == []


def test_translation_keys_are_used_and_defined() -> None:
    """Every sentence is used, and every used key exists."""
    used = {key for key in re.findall(r'data-t(?:-\w+)?="(.+?)"', PAGE)}
    prefixes: set[str] = set()
    groups = {key.split(".")[0] for key in ENGLISH}
    for script in SCRIPTS:
        used |= set(re.findall(r'\bt\("([a-z_.]+)"', script.read_text()))
        for text in literals(script.read_text()):
            head = text.split("${")[0]
            if head.split(".")[0] not in groups or not re.fullmatch(r"[a-z_.]+", head):
                continue
            if "${" in text:
                prefixes.add(head)
            elif "." in text or text in ENGLISH:
                used.add(text)
    known = {re.sub(r"_(one|other)$", "", key) for key in ENGLISH}
    assert {key for key in used if key.split(".")[-1] != "js"} - known == set()
    assert {key for key in known - used if not key.startswith(tuple(prefixes))} == set()
    assert {prefix for prefix in prefixes if not any(key.startswith(prefix) for key in known)} == set()


def test_model_texts_have_translations() -> None:
    """The page translates the sentences of this project's models."""
    description = (REPOSITORY / "export" / "graph" / "description.py").read_text()
    said = set(re.findall(r'^(?:[A-Z_]+ = |    )"(\w.+?)",?$', description, re.MULTILINE))
    # Three intended uses, two licences, three limits of every model, three of some image types and two of skin types.
    assert len(said) == 13
    known = {key.split(".")[1]: text for key, text in ENGLISH.items() if key.startswith("model_says.")}
    assert known == {re.sub("[^a-z]+", "_", text.lower()): text for text in said}


def test_service_codes_have_sentences() -> None:
    """Every code of the service has a sentence."""
    assert {f"problems.{code}" for code in problems.codes()} <= ENGLISH.keys()
    assert {f"refusals.{code}" for code in messages.REFUSALS} <= ENGLISH.keys()
    diagnoses = json.loads((REPOSITORY / "models" / "metrics.json").read_text())["test"]["diagnoses"]
    assert {f"classes.{code}" for code in diagnoses} <= ENGLISH.keys()


def test_service_texts_equal_page_texts() -> None:
    """Texts that the service has as well are equal."""
    assert ENGLISH["result.disclaimer"] == DISCLAIMER
    assert ENGLISH["title"] == Settings.title
    assert f'DEFAULT_TITLE = "{Settings.title}"' in (SITE / "js" / "about" / "view.js").read_text()
    refusals = {key.split(".")[1]: sentence for key, sentence in ENGLISH.items() if key.startswith("refusals.")}
    assert refusals == {code: messages.refusal_message(code) for code in refusals}
