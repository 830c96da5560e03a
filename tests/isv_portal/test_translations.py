"""Every text of ours, and of the admin's theme, is there in Chinese."""

import ast
import gettext
import re
from collections.abc import Iterator
from pathlib import Path

import polib
import pytest
import unfold
from django.utils import translation

from isv_portal.settings import BASE_DIR

CATALOG = BASE_DIR / "isv_portal" / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
CALLS = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy"}
TRANSLATE_TAG = re.compile(r"""{%\s*trans(?:late)?\s+(?:"([^"]*)"|'([^']*)')""")
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%s|{}")
# Parts of the theme that the portal does not use.
UNUSED_THEME = re.compile(
    r"/contrib/(constance|guardian|import_export|location_field|simple_history)/|/toolbar\.html$|/unfold_crispy/"
)


def texts_in_python(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS:
            first = node.args[0] if node.args else None
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value


def texts_in_template(path: Path) -> Iterator[str]:
    for double, single in TRANSLATE_TAG.findall(path.read_text("utf-8")):
        yield double or single


def texts_below(*roots: Path) -> set[str]:
    found: set[str] = set()
    for root in roots:
        for path in root.rglob("*.py"):
            found.update(texts_in_python(path))
        for path in root.rglob("*.html"):
            found.update(texts_in_template(path))
    return found


def bare(text: str) -> str:
    return PLACEHOLDER.sub("", text)


@pytest.fixture(scope="module")
def catalog() -> polib.POFile:
    return polib.pofile(CATALOG)


def test_the_catalog_has_no_empty_and_no_fuzzy_entry(catalog):
    assert [entry.msgid for entry in catalog if not entry.translated()] == []
    assert catalog.metadata["Plural-Forms"] == "nplurals=1; plural=0;"


def test_every_text_of_our_code_is_in_the_catalog(catalog):
    ours = texts_below(*(BASE_DIR / package for package in ("isv_portal", "tenants", "dingtalk")))

    assert len(ours) > 300
    assert sorted(ours - {entry.msgid for entry in catalog}) == []


def test_every_text_of_the_admins_theme_has_a_translation():
    root = Path(unfold.__file__).parent
    used = [path for path in root.rglob("*") if path.is_file() and not UNUSED_THEME.search(path.as_posix())]
    texts: set[str] = set()
    for path in used:
        if path.suffix == ".py":
            texts.update(texts_in_python(path))
        elif path.suffix == ".html":
            texts.update(texts_in_template(path))

    with translation.override("zh-hans"):
        untranslated = sorted(
            text for text in texts if translation.gettext(text) == text and re.search("[A-Za-z]", bare(text))
        )

    assert len(texts) > 100
    assert untranslated == []


def test_translations_keep_the_placeholders(catalog):
    for entry in catalog:
        for text in entry.msgstr_plural.values() or [entry.msgstr]:
            assert sorted(PLACEHOLDER.findall(text)) == sorted(PLACEHOLDER.findall(entry.msgid)), entry.msgid


def test_the_compiled_catalog_is_that_of_the_source(catalog):
    with CATALOG.with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)

    for entry in catalog:
        if entry.msgid_plural:
            assert compiled.ngettext(entry.msgid, entry.msgid_plural, 2) == entry.msgstr_plural[0]
        else:
            assert compiled.gettext(entry.msgid) == entry.msgstr
