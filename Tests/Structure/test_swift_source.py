"""What swift_source.py measures."""

import pytest

from swift_source import blank, functions, types


@pytest.mark.parametrize("text, code", [
    ('let a = "{" // }', "let a ="),
    ('f("\\(g { "}" })") {', "f(                ) {"),
    ('#"\\( { "#}', "}"),
    ('"""\n{ "a" \\"""\n"""\n{', "{"),
    ("/* /* { */ } */ x", "x"),
    ('"\\\\" }', "}"),
])
def test_comments_and_strings_are_blank(text, code):
    result = blank(text)
    assert len(result) == len(text) and result.count("\n") == text.count("\n")
    assert result.split() == code.split()


def test_functions():
    code = """\
struct A {
  init(a: Int) {
    b = .init(a) { c }
  }
  subscript(at: Int) -> Int {
    get { 1 }
  }
  func one() -> [Int] { [] }
  func two(
    a: () -> Void = {}
  ) throws {
    a()
  }
  var three: Int {
    3
  }
  var stored: Int = { 4 }()
  deinit {
  }
}
protocol P {
  func none()
  init()
}
"""
    measured = {function.name: function.lines for function in functions(code)}
    assert measured == {"init": 3, "subscript": 3, "one": 1, "two": 5, "three": 3, "deinit": 2}


def test_stored_properties():
    code = """\
final class A {
  static let no = 1
  private(set) var a = 1, b = 2
  let c: [String: Int], d: (Int, Int)
  var e: Int { 1 }
  var f = 1 {
    didSet { g() }
  }
  var h: Int {
    willSet { g() }
  }
  let i = { 1 }()
  @Atomic var j: Int?
  weak var k: A?
  var l: Int {
    1
  }
  func g() { let m = 1 }
  struct B { let n: Int; }
}
extension A {
  var o: Int { 1 }
}
"""
    assert [(each.name, each.stored) for each in types(code)] == [("A", 9), ("B", 1), ("A", 0)]
