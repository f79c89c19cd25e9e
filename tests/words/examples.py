#!/usr/bin/env python3
"""Lists the public entry points whose documentation has no example; exits 1 where there are any.

Run from the root: python3 tests/words/examples.py
"""
import re
import subprocess
import sys

# Item, file or folder it is defined in.
ENTRY_POINTS = [
    *[(f"trait {name}", "shared/src/agent") for name in ["Engine"]],
    *[
        (f"struct {name}", "shared/src/agent")
        for name in ["Turn", "Response", "TaskResponse", "Task", "TaskRun", "Progress", "Reminder", "EngineContext"]
    ],
    ("enum Effect", "shared/src/agent"),
    ("struct Activity", "shared/src/protocol"),
    ("fn message", "shared/src/protocol/activity.rs"),
    ("fn ai_generated", "shared/src/protocol/activity"),
    ("struct Connector", "shared/src/channel"),
    ("struct Authenticator", "shared/src/channel"),
    ("struct TokenProvider", "shared/src/channel"),
    ("struct Queue", "shared/src/aws"),
    *[
        (f"struct {name}", "shared/src/aws/table")
        for name in ["Stores", "JobStore", "ReferenceStore", "TimerStore", "BroadcastStore"]
        + ["MemoryStore", "PreferenceStore", "RateStore", "StreamStore", "SubscriptionStore", "KeyStore"]
    ],
    *[
        (f"fn {name}", f"functions/{function}/src/lib.rs")
        for function in ["inbound", "worker", "proactive"]
        for name in ["connect", "run"]
    ],
]


def has_example(item, where):
    """Whether the documentation of the item has a code block; `None` where there is no such item."""
    paths = subprocess.run(["git", "ls-files", where], capture_output=True, text=True, check=True).stdout.split()
    pattern = re.compile(
        r"((?:[ \t]*(?:///|#\[|\)\]|\"|[a-z_]+ = )[^\n]*\n)*)[ \t]*pub (?:async )?" + re.escape(item) + r"\b"
    )
    found = None
    for path in paths:
        with open(path, encoding="utf-8") as file:
            for match in pattern.finditer(file.read()):
                found = bool(found) or "/// ```" in match.group(1)
    return found


def main():
    lacking = [f"{item} in {where}" for item, where in ENTRY_POINTS if not has_example(item, where)]
    for item in lacking:
        print(f"no example: {item}")
    print(f"{len(ENTRY_POINTS)} entry points, {len(lacking)} without an example")
    return 1 if lacking else 0


sys.exit(main())
