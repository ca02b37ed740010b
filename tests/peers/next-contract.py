#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints a made-up next version of a contract, as the rules of proto/dispatcher.capnp allow it.

Usage: next-contract.py dispatcher.capnp. Each interface gets a method `next`, each struct a field `next`, each enum and the unions of
Outcome, Report and Health a member `nextWay`, all of them at the end; `version` is one more, and `oldestVersion` stays. It is made from
today's contract, so that it is always the one after it.
"""
import re
import sys

OPENING = re.compile(r"^\s*(?:(interface|struct|enum) (\w+)|(union)|\w+ :(group)) \{$")
UNIONS = ("Outcome", "Report", "Health")


def ordinals(lines):
    """{name of a scope: the first free ordinal}; a struct's unions and groups count with it."""
    free, scopes = {}, []
    for line in lines:
        opening = OPENING.match(line)
        if opening:
            scopes.append(opening[2] or scopes[-1])
        elif line.strip() == "}":
            scopes.pop()
        elif scopes:
            for number in re.findall(r"^\s*\w+ @(\d+)", line):
                free[scopes[-1]] = max(free.get(scopes[-1], 0), int(number) + 1)
    return free


def next_of(text):
    lines, scopes = text.splitlines(), []
    free = ordinals(lines)
    for line in lines:
        opening = OPENING.match(line)
        version = re.match(r"const version :UInt32 = (\d+);", line)
        if version:
            line = f"const version :UInt32 = {int(version[1]) + 1};"
        if opening:
            kind, name = opening[1] or opening[3] or opening[4], opening[2] or scopes[-1][1]
            scopes.append((kind, name))
        elif line.strip() == "}":
            kind, name = scopes.pop()
            added = {"interface": "next @{} () -> (words :Text);", "struct": "next @{} :Text;", "enum": "nextWay @{};",
                     "union": "nextWay @{} :Text;" if name in UNIONS else ""}.get(kind, "")
            if added:
                yield line.replace("}", "  " + added.format(free[name]))
                free[name] += 1
        yield line


if __name__ == "__main__":
    print("\n".join(next_of(open(sys.argv[1], encoding="utf-8").read())))
