#!/usr/bin/env python3
"""Lists identifiers of the code that contain a word of the project's former vocabulary, and prose that uses one.

Identifiers are split at `_` and at changes of case. What is allowed is listed with its reason.
Exits 1 where something is left that has none. Run from the root: python3 tests/words/identifiers.py
"""
import re
import subprocess
import sys

BANNED = {"tell", "told", "say", "said", "word", "letter", "turn"}

# (regular expression over the identifier, reason)
ALLOWED = [
    (r"^(?i:.*dead_?letter.*)$", "dead letter is the term of SQS"),
    (r"^(?i:.*turn_?(s|work|handler|queue|id|of|context)?s?(_.*)?|.*_turns?(_.*)?|turns?)$", "the agent's turn"),
    (r"^[A-Za-z]*Turn[A-Za-z]*$", "the agent's turn"),
]

PROSE = (
    r"\b(whoever|somebody|nobody|anew|besides|in hand|put (off|down|aside)|take_to_heart|put_down|foreseen|take up"
    r"|(is|are|was|were) told|comes of it|bury|spare|occasion|agenda|chance)\b"
)
MOST_PROSE = 40


def files(*patterns):
    return subprocess.run(["git", "ls-files", *patterns], capture_output=True, text=True, check=True).stdout.split()


def code(text):
    """The text without comments and string literals."""
    # One pattern, so that a quote in a comment and `//` in a string are not taken for what they open elsewhere.
    literal = r"""//[^\n]*|\br(#*)"(?:.|\n)*?"\1|"(?:\\(?:.|\n)|[^"\\])*"|'(?:\\.|[^'\\\n])'"""
    return re.sub(literal, '""', text)


def words(identifier):
    parts = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", identifier).lower().split("_")
    return set(parts)


def main():
    left, allowed = {}, {}
    for path in files("*.rs"):
        with open(path, encoding="utf-8") as file:
            for identifier in set(re.findall(r"\b[A-Za-z_][A-Za-z0-9_]*\b", code(file.read()))):
                hit = words(identifier) & BANNED
                if not hit:
                    continue
                reason = next((reason for pattern, reason in ALLOWED if re.match(pattern, identifier)), None)
                (allowed if reason else left).setdefault(identifier, (reason, set()))[1].add(path)
    by_reason = {}
    for identifier, (reason, _) in allowed.items():
        by_reason.setdefault(reason, []).append(identifier)
    for reason, identifiers in sorted(by_reason.items()):
        print(f"allowed, {reason}: {len(identifiers)} identifiers")
    for identifier, (_, paths) in sorted(left.items()):
        print(f"left: {identifier} in {', '.join(sorted(paths)[:3])}")

    prose = 0
    for path in files("*.rs", "*.md", "*.yaml", "*.html"):
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                for match in re.finditer(PROSE, line, re.IGNORECASE):
                    prose += 1
                    print(f"prose: {path}:{number}: {match.group(0)}")
    print(f"{len(left)} identifiers left, {prose} words of prose (at most {MOST_PROSE})")
    return 1 if left or prose > MOST_PROSE else 0


sys.exit(main())
