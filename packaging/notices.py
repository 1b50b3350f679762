"""Writes the licence of amqp-job, and those of the libraries that the program contains."""

RULE = "-" * 79


def text(licence, found):
    """`licence` is the program's own; `found` are the libraries."""
    lines = [licence, RULE, "The program contains the following libraries. Their licences follow.", ""]
    lines += [f"  {each.name} {each.version}  {each.homepage}".rstrip() for each in found]
    for each in found:
        lines += ["", RULE, f"{each.name} {each.version}", RULE, "", each.text.rstrip()]
    return "\n".join(lines) + "\n"
