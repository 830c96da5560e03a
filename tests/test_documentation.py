"""What the documents name is there: links, commands, variables, addresses, modules, tests, features."""

import ast
import re
from argparse import ArgumentParser, _SubParsersAction
from functools import cache
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class
from django.urls import Resolver404, resolve

ROOT = Path(__file__).resolve().parent.parent
ENGLISH, CHINESE, FEATURES = ROOT / "README.md", ROOT / "README.zh-CN.md", ROOT / "docs/features.md"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
NAMES = [path.relative_to(ROOT).as_posix() for path in DOCUMENTS]

# How many features there are by letter.
FEATURES_BY_LETTER = dict(
    zip(
        "ABCDEFGHIJKLMNOPQRST",
        [10, 13, 11, 16, 12, 20, 7, 6, 6, 4, 6, 5, 4, 6, 7, 3, 6, 5, 5, 7],
        strict=True,
    )
)
STATES = {"done", "partly", "otherwise", "later"}
# In capitals, and no variables of the portal: DingTalk's words, places for a value, variables of the tests.
NO_VARIABLES = re.compile(
    r"SYNC_HTTP_PUSH_\w+|DINGTALK_OPENAPI_ENDPOINT|SUITE_KEY|CORP_ID|KEY_ID|ISV_KEY|TEST_DATABASE|FAULTS_\w+|(NAME|ENV)_FILE"
)

LINK = re.compile(r"(?<!\!)\[[^\]]+\]\(([^)\s]+)\)")
HEADING = re.compile(r"^(#{1,6}) (.+)$", re.MULTILINE)
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
COMMAND = re.compile(r"manage\.py ([a-z_]+)([^`\n]*)")
MAKE = re.compile(r"(?:^ *|`)make ([a-z][a-z-]*)", re.MULTILINE)
VARIABLE = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b")
NODE = re.compile(r"tests/[\w/]+\.py(?:::\w+)+")
FILE = re.compile(r"[\w./-]+/[\w.-]+\.(?:py|md|json|txt|in|yml|yaml|tsv)|[\w.-]+/(?:[\w-]+/)*")
ADDRESS = re.compile(r"/(?:admin|api|healthz|readyz)(?:/[\w{}/-]*)?")
FEATURE = re.compile(r"^\| ([A-T]\d+) \|(.*)\|$", re.MULTILINE)


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def code_in(text: str) -> list[str]:
    """What stands in backticks or in a block of code."""
    return [*CODE.findall(FENCE.sub("", text)), *(block for _, _, block in FENCE.findall(text))]


@cache
def anchors_of(path: Path) -> set[str]:
    """The anchors that a heading gets on the repository's pages."""
    headings = HEADING.findall(FENCE.sub("", path.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for _, heading in headings}


@cache
def known_tests() -> set[str]:
    """The name of every test function and class, as pytest knows it."""
    nodes = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        name = path.relative_to(ROOT).as_posix()
        for item in ast.parse(path.read_text(encoding="utf-8")).body:
            members = item.body if isinstance(item, ast.ClassDef) else []
            prefix = f"{name}::{getattr(item, 'name', '')}"
            nodes |= {prefix, *(f"{prefix}::{getattr(member, 'name', '')}" for member in members)}
    return nodes


def problems_of_command(name: str, rest: str) -> list[str]:
    """What is wrong with a command line of manage.py: its name, its action, its options."""
    if name not in get_commands():
        return [f"no command {name}"]
    parser = load_command_class(get_commands()[name], name).create_parser("manage.py", name)
    words = re.split(r"\s#|[|;&]", rest)[0].split()
    actions = actions_of(parser)
    problems = []
    if actions and words and re.fullmatch(r"[a-z_]+", words[0]):
        if words[0] not in actions:
            return [f"{name} has no action {words[0]}"]
        parser = actions[words[0]]
    for word in words:
        option = word.rstrip(".,:;)").partition("=")[0]
        if option.startswith("--") and option not in parser._option_string_actions:
            problems.append(f"{name} has no option {option}")
    return problems


def actions_of(parser: ArgumentParser) -> dict[str, ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, _SubParsersAction):
            return dict(action.choices)
    return {}


@pytest.mark.parametrize("name", NAMES)
def test_every_link_leads_somewhere(name):
    broken = []
    for target in LINK.findall(FENCE.sub("", text_of(name))):
        if target.startswith(("https://", "mailto:")):
            continue
        file_name, _, anchor = target.partition("#")
        path = ((ROOT / name).parent / file_name).resolve() if file_name else ROOT / name
        if not path.exists() or (anchor and anchor not in anchors_of(path)):
            broken.append(target)

    assert broken == []


@pytest.mark.parametrize("name", NAMES)
def test_every_command_exists_with_its_options(name):
    problems = [
        problem
        for code in code_in(text_of(name))
        for command, rest in COMMAND.findall(code)
        for problem in problems_of_command(command, rest)
    ]

    assert problems == []


def test_a_command_that_does_not_exist_is_found():
    assert problems_of_command("suite", " add --name X --push-mode http") == []
    assert problems_of_command("suites", "") == ["no command suites"]
    assert problems_of_command("suite", " remove") == ["suite has no action remove"]
    assert problems_of_command("suite", " add --secret") == ["suite has no option --secret"]


@pytest.mark.parametrize("name", NAMES)
def test_every_make_target_exists(name):
    targets = set(re.findall(r"^([a-z][a-z-]*):", text_of("Makefile"), re.MULTILINE))
    mentioned = {target for code in code_in(text_of(name)) for target in MAKE.findall(f"`{code}")}

    assert mentioned - targets == set()


@pytest.mark.parametrize("name", NAMES)
def test_every_variable_is_in_the_example_file(name):
    known = set(re.findall(r"^([A-Z0-9_]+)=", text_of(".env.example"), re.MULTILINE))
    mentioned = {variable for code in code_in(text_of(name)) for variable in VARIABLE.findall(code)}

    assert {name for name in mentioned - known if not NO_VARIABLES.fullmatch(name)} == set()


@pytest.mark.parametrize("name", NAMES)
def test_every_file_and_test_that_is_named_exists(name):
    text = text_of(name)
    files = [code for code in CODE.findall(FENCE.sub("", text)) if FILE.fullmatch(code)]
    missing = [code for code in files if not is_file_of_ours(code)]

    assert missing == []
    assert set(NODE.findall(text)) - known_tests() == set()


def is_file_of_ours(name: str) -> bool:
    """Whether it is there, from the top or as one speaks of it; what is no place of ours is let through."""
    first = name.split("/")[0]
    return (ROOT / name).exists() or not (ROOT / first).exists()


@pytest.mark.parametrize("name", NAMES)
def test_every_address_of_the_portal_is_served(name):
    unknown = []
    for code in CODE.findall(FENCE.sub("", text_of(name))):
        if ADDRESS.fullmatch(code):
            try:
                resolve(code.replace("{", "").replace("}", ""))
            except Resolver404:
                unknown.append(code)

    assert unknown == []


def test_every_log_line_and_system_check_of_the_operators_page_is_written_somewhere():
    page = text_of("docs/operations.md")
    logs = page.partition("## Logs")[2].partition("\n## ")[0]
    mentioned = {
        *re.findall(r"^\| `(\w+)` \|", logs, re.MULTILINE),
        *re.findall(r"isv_portal\.[EW]\d+", page),
    }
    sources = [path for name in ("isv_portal", "tenants", "dingtalk") for path in (ROOT / name).rglob("*.py")]
    written = "\n".join(path.read_text(encoding="utf-8") for path in sources)

    assert len(mentioned) > 6
    assert {name for name in mentioned if f'"{name}"' not in written} == set()


def test_every_feature_has_a_row_with_a_known_state():
    rows = dict(FEATURE.findall(FEATURES.read_text(encoding="utf-8")))
    expected = {f"{letter}{n}" for letter, most in FEATURES_BY_LETTER.items() for n in range(1, most + 1)}

    assert set(rows) == expected
    assert {row.split("|")[1].strip() for row in rows.values()} <= STATES


def test_the_features_are_counted_right():
    text = FEATURES.read_text(encoding="utf-8")
    states = [row.split("|")[1].strip() for _, row in FEATURE.findall(text)]
    told = re.search(r"Of (\d+) rows (\d+) are done, (\d+) partly, (\d+) otherwise, (\d+) later\.", text)

    assert told is not None
    counted = [len(states), *(states.count(state) for state in ("done", "partly", "otherwise", "later"))]
    assert [int(number) for number in told.groups()] == counted


def test_what_is_said_to_be_done_names_its_module_and_its_test():
    for feature, row in FEATURE.findall(FEATURES.read_text(encoding="utf-8")):
        _, state, where, tests = row.split("|")[:4]
        if state.strip() in {"done", "partly"}:
            assert CODE.findall(where), feature
            assert NODE.findall(tests), feature


def test_both_readmes_have_the_same_structure():
    shapes = []
    for path in (ENGLISH, CHINESE):
        text = path.read_text(encoding="utf-8")
        prose = FENCE.sub("", text)
        shapes.append(
            {
                "headings": [level for level, _ in HEADING.findall(prose)],
                "blocks": [language for _, language, _ in FENCE.findall(text)],
                "rows": [line.count("|") for line in prose.splitlines() if line.startswith("|")],
                "links": sorted(t for t in LINK.findall(prose) if not t.startswith("README")),
                "variables": set(VARIABLE.findall(text)),
                "commands": COMMAND.findall(re.sub(r'"[^"]*"', '""', "\n".join(code_in(text)))),
            }
        )

    assert shapes[0] == shapes[1]


def test_the_readmes_lead_to_each_other_in_their_first_line():
    assert "](README.zh-CN.md)" in ENGLISH.read_text(encoding="utf-8").splitlines()[0]
    assert "](README.md)" in CHINESE.read_text(encoding="utf-8").splitlines()[0]
