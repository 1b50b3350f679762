"""The forms for issues are what a code host takes
(<https://docs.github.com/en/communities/using-templates-to-encourage-useful-issues-and-pull-requests/syntax-for-githubs-form-schema>)."""

import pathlib

import pytest

from support import fetched

yaml = fetched.package("yaml")

pytestmark = pytest.mark.any_broker
FOLDER = pathlib.Path(__file__).resolve().parents[3] / ".github/ISSUE_TEMPLATE"
FORMS = sorted(path.name for path in FOLDER.glob("*.yml") if path.name != "config.yml")
# What each kind of element needs, and may have beside it.
ATTRIBUTES = {
    "markdown": ({"value"}, set()),
    "textarea": ({"label"}, {"description", "placeholder", "value", "render"}),
    "input": ({"label"}, {"description", "placeholder", "value"}),
    "dropdown": ({"label", "options"}, {"description", "multiple", "default"}),
    "checkboxes": ({"label", "options"}, {"description"}),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_form_is_valid(name):
    form = yaml.safe_load((FOLDER / name).read_text())
    assert {"name", "description", "body"} <= set(form) <= {"name", "description", "body", "labels", "title", "assignees"}
    elements = form["body"]
    for element in elements:
        assert set(element) <= {"type", "id", "attributes", "validations"}
        needed, optional = ATTRIBUTES[element["type"]]
        assert needed <= set(element["attributes"]) <= needed | optional
        assert set(element.get("validations", {})) <= {"required"}
    asking = [element for element in elements if element["type"] != "markdown"]
    assert asking and all(element["id"].replace("-", "").isalnum() for element in asking)
    for values in ([each["id"] for each in asking], [each["attributes"]["label"] for each in asking]):
        assert len(set(values)) == len(values)


def test_there_are_forms():
    assert len(FORMS) >= 2
    assert yaml.safe_load((FOLDER / "config.yml").read_text()).keys() <= {"blank_issues_enabled", "contact_links"}
