"""The structure of the Swift code: which module may use which, and how large a file, a function and a type may be."""

import pathlib
import re

import pytest

import swift_source

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
FILES = sorted(path for folder in ("Sources", "Tests") for path in (REPOSITORY / folder).rglob("*.swift"))

# From the lowest layer to the highest. A module uses only modules of lower layers.
LAYERS = [
    {"CEvent", "CJansson", "CLinux", "COpenSSL", "CRabbitMQ", "CYAML"},
    {"AMQP", "JSONText", "Linux", "TLS", "YAML"},
    {"Console", "HTTP"},
    {"Arguments", "Broker", "Manifests", "Telemetry"},
    {"Election", "ItemSources", "Publishing", "Steps"},
    {"JobRunner"},
    {"amqp-job"},
]
HEIGHT = {module: height for height, layer in enumerate(LAYERS) for module in layer}

MOST_LINES_OF_A_FILE, MOST_LINES_OF_A_FUNCTION, MOST_STORED_PROPERTIES = 300, 40, 15

# Tables of data may be longer. Each is here with its reason.
TABLES = {
    "BashCompletion.swift bashScript": "is the text of a script",
    "FishCompletion.swift fishScript": "is the text of a script",
    "ZshCompletion.swift zshScript": "is the text of a script",
    "WorkerOptions.swift WorkerOptions": "has one property for each option of manifest",
}


def targets():
    """Each target of Package.swift with what it depends on."""
    text = (REPOSITORY / "Package.swift").read_text()
    found = {}
    for part in re.split(r"\.(?=(?:systemLibrary|target|executableTarget|testTarget|plugin)\()", text)[1:]:
        name = re.search(r'name: "([^"]+)"', part)[1]
        dependencies = re.search(r"dependencies: \[(.*?)\]", part, re.DOTALL)
        found[name] = set(re.findall(r'"([^"]+)"', dependencies[1])) if dependencies else set()
    return found


TARGETS = targets()
MODULES = sorted(name for name in TARGETS if not name.endswith("Tests") and name != "TestSupport")


def imports(module):
    """The modules of this package that the sources of that one import."""
    found = set()
    for path in (REPOSITORY / "Sources" / module).rglob("*.swift"):
        code = swift_source.blank(path.read_text())
        found |= {name for name in re.findall(r"\bimport +(?:[a-z]\w* +)?(\w+)", code) if name in TARGETS}
    return found


def test_every_module_is_in_one_layer():
    assert sum(map(len, LAYERS)) == len(HEIGHT)
    assert set(HEIGHT) == set(MODULES)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_depends_on_lower_layers_only(module):
    dependencies = TARGETS[module] | imports(module)
    assert {each for each in dependencies if HEIGHT[each] >= HEIGHT[module]} == set()


@pytest.mark.parametrize("module", [each for each in MODULES if list((REPOSITORY / "Sources" / each).rglob("*.swift"))])
def test_a_module_imports_what_it_declares(module):
    assert imports(module) == TARGETS[module]


def oversized():
    """Each file, function and type above its limit, and its size."""
    found = {}
    for path in FILES:
        text = path.read_text()
        code = swift_source.blank(text)
        if text.count("\n") > MOST_LINES_OF_A_FILE:
            found[path.name] = f"{text.count(chr(10))} lines"
        for function in swift_source.functions(code):
            if function.lines > MOST_LINES_OF_A_FUNCTION:
                found[f"{path.name} {function.name}"] = f"{function.lines} lines"
        for each in swift_source.types(code):
            if each.stored > MOST_STORED_PROPERTIES:
                found[f"{path.name} {each.name}"] = f"{each.stored} stored properties"
    return found


OVERSIZED = oversized()


def test_nothing_else_is_too_large():
    assert {name: size for name, size in OVERSIZED.items() if name not in TABLES} == {}


def test_each_exception_is_still_one():
    """An entry that is no longer needed has to go."""
    assert set(TABLES) - set(OVERSIZED) == set()
