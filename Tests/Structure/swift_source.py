"""Reads Swift source far enough to measure it: where functions and types begin and end, and what a type stores."""

import dataclasses
import re

FUNCTION = re.compile(r"\b(?:func\s+([^\s(<]+)|(init)[?!]?\s*[(<]|(deinit)\s*\{|(subscript)\s*[(<])")
TYPE = re.compile(r"\b(?:struct|class|enum|actor|extension|protocol)\s+(`?[A-Z][\w.]*`?)")
ACCESSOR = re.compile(r"\bvar\s+(\w+)\s*:[^={\n]*\{")
STORED = re.compile(r"^\s*(?:@\w+(?:\([^)]*\))?\s+)*((?:[a-z]\w*(?:\(\w+\))?\s+)*)(let|var)\s+(.+)")


@dataclasses.dataclass(frozen=True)
class Part:
    """A function or a type; `stored` is how many properties a value of that type has."""

    name: str
    lines: int
    stored: int = 0


def blank(text):
    """The text with blanks in the place of comments and strings, so that each brace left is one of the code."""
    result, at = [], 0
    while at < len(text):
        end = _end_of_comment(text, at) or _end_of_string(text, at)
        if end is None:
            result.append(text[at])
            at += 1
        else:
            result.append(re.sub(r"[^\n]", " ", text[at:end]))
            at = end
    return "".join(result)


def _end_of_comment(text, at):
    if text.startswith("//", at):
        end = text.find("\n", at)
        return len(text) if end < 0 else end
    if not text.startswith("/*", at):
        return None
    depth = 0
    for mark in re.compile(r"/\*|\*/").finditer(text, at):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return mark.end()
    return len(text)


def _end_of_string(text, at):
    opening = re.compile(r'(#*)("""|")').match(text, at)
    if not opening:
        return None
    hashes, quotes = opening.groups()
    at = opening.end()
    while at < len(text) and not text.startswith(quotes + hashes, at):
        if text.startswith("\\" + hashes + "(", at):
            at = _end_of_interpolation(text, at + 2 + len(hashes))
        elif text.startswith("\\" + hashes, at):
            at += 2 + len(hashes)
        else:
            at += 1
    return at + len(quotes + hashes)


def _end_of_interpolation(text, at):
    depth = 1
    while at < len(text) and depth:
        end = _end_of_string(text, at)
        if end is not None:
            at = end
            continue
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        at += 1
    return at


def _body(code, at):
    """Where the braces of the declaration that begins there open and close; None for one without a body."""
    depth = 0
    for index in range(at, len(code)):
        if code[index] in "([":
            depth += 1
        elif code[index] in ")]":
            depth -= 1
        elif code[index] == "{" and depth == 0:
            return index, _closing(code, index)
        elif code[index] == "}" and depth == 0:
            return None
        elif code[index] == "\n" and depth == 0 and _declares(code[index + 1:].lstrip()[:60]):
            return None
    return None


def _declares(text):
    return re.match(r"(?:@\w+\s+)*(?:package |public |private |static |mutating )*(?:func|var|let|init|case|struct|enum|})", text)


def _closing(code, opening):
    depth = 0
    for index in range(opening, len(code)):
        depth += {"{": 1, "}": -1}.get(code[index], 0)
        if depth == 0:
            return index
    return len(code) - 1


def _lines(code, start, end):
    return code.count("\n", start, end) + 1


def functions(code):
    """Each function, initializer, subscript and computed property, with what is nested in it."""
    for declaration in [*FUNCTION.finditer(code), *ACCESSOR.finditer(code)]:
        if code[:declaration.start()].endswith("."):
            continue  # a call of `.init(`
        name = next(group for group in declaration.groups() if group)
        body = _body(code, code.rindex("{", 0, declaration.end()) if declaration.re is ACCESSOR else declaration.end() - 1)
        if body:
            yield Part(name, _lines(code, declaration.start(), body[1]))


def types(code):
    """Each type, and each extension by itself."""
    for declaration in TYPE.finditer(code):
        body = _body(code, declaration.end())
        if body:
            yield Part(declaration[1], _lines(code, declaration.start(), body[1]), _stored(code[body[0] + 1:body[1]]))


def _stored(body):
    count, depth = 0, 0
    lines = body.split("\n")
    for number, line in enumerate(lines):
        declaration = STORED.match(line) if depth == 0 else None
        if declaration and "static" not in declaration[1].split():
            count += _names(declaration[3], "\n".join(lines[number + 1:number + 3]))
        depth += sum({"{": 1, "}": -1, "(": 1, ")": -1, "[": 1, "]": -1}.get(character, 0) for character in line)
    return count


def _names(declared, following):
    """How many properties a line declares, which is none where the one that it declares is computed."""
    before, brace, after = declared.partition("{")
    if brace and "=" not in before:
        observed = re.match(r"\s*(?:willSet|didSet)\b", after + following)
        return 1 if observed else 0
    if declared.startswith("("):
        return declared[:declared.index(")")].count(",") + 1
    bare, found = declared.replace("->", ""), 1
    while found:
        bare, found = re.subn(r"\([^()]*\)|\[[^\[\]]*\]|<[^<>]*>", "", bare)
    return bare.count(",") + 1
