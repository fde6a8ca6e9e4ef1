#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The house rules that a program can check. Each is a test of its own: lint.py RULE [BUILD-FOLDER]."""
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# Lowest first: a file may include its own layer and those before it.
LAYERS = ["base", "io", "power", "proto", "image", "serve", "bundle", "build", "engine", "drivers",
          "lab", "cli"]

BANNED = ["strcpy", "strcat", "sprintf", "vsprintf", "gets", "strtok", "atoi", "atol", "atoll", "atof",
          "system", "popen", "alloca", "tmpnam", "tempnam", "mktemp", "strncpy", "strncat", "sscanf",
          "scanf", "fscanf", "rand", "srand", "usleep", "sleep", "setjmp", "goto"]
ALLOCATORS = ["malloc", "calloc", "realloc", "strdup", "strndup", "asprintf", "vasprintf"]
PRINTERS = ["printf", "puts", "putchar", "perror", "exit", "_exit", "err", "errx", "warn", "warnx"]

FILE_LINES = 600
FUNCTION_LINES = 60


def files(*patterns):
    out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "--", *patterns], cwd=ROOT,
                         capture_output=True, text=True, check=True).stdout
    return sorted(name for name in out.splitlines() if os.path.exists(os.path.join(ROOT, name)))


def text_of(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as file:
        return file.read()


def without_comments(text):
    """The code with comments and strings blanked; lines stay where they are."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group())
    return re.sub(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", blank, text, flags=re.S)


def rule_layers():
    for name in files("src/*.c", "src/*.h"):
        own = LAYERS.index(name.split("/")[1])
        for number, line in enumerate(text_of(name).splitlines(), 1):
            match = re.match(r'#include "([a-z0-9_]+)/', line)
            if match and LAYERS.index(match.group(1)) > own:
                yield f"{name}:{number}: includes the higher layer '{match.group(1)}'"
            if own < LAYERS.index("drivers") and line.startswith('#include "drivers/'):
                yield f"{name}:{number}: only drivers/ and above may know a driver"


def functions(text):
    """(first line, last line) of each function body, by braces at the left margin."""
    start = None
    for number, line in enumerate(text.splitlines(), 1):
        if line == "{":
            start = number
        elif line == "}" and start:
            yield start, number
            start = None


def rule_sizes():
    for name in files("*.c", "*.h", "*.py"):
        text = text_of(name)
        if text.count("\n") > FILE_LINES:
            yield f"{name}: {text.count(chr(10))} lines; a file has at most {FILE_LINES}"
        if not name.endswith(".c"):
            continue
        for first, last in functions(text):
            if last - first - 1 > FUNCTION_LINES:
                yield f"{name}:{first}: {last - first - 1} lines; a function has at most {FUNCTION_LINES}"


def rule_banned():
    for name in files("src/*.c", "src/*.h", "sim/*.c"):
        banned = list(BANNED)
        if not name.startswith("src/base/mem."):
            banned += ALLOCATORS
        if not name.startswith("src/cli/") and not name.startswith("sim/"):
            banned += PRINTERS
        pattern = re.compile(r"(?<![\w.>])(" + "|".join(banned) + r")\s*\(|\bgoto\b")
        for number, line in enumerate(without_comments(text_of(name)).splitlines(), 1):
            match = pattern.search(line)
            # `_exit` after a failed exec in a child is the one way out there is.
            if match and not (match.group(1) == "_exit" and name == "src/base/process.c"):
                yield f"{name}:{number}: {match.group().strip(' (')} is not used here"


def rule_headers():
    for name in files("*.c", "*.h"):
        text = text_of(name)
        if not text.startswith("// SPDX-License-Identifier: MIT\n"):
            yield f"{name}:1: no SPDX line"
        if name.endswith(".h") and name.startswith("src/") and not text.splitlines()[1].startswith("/*"):
            yield f"{name}:2: the header does not begin with what it is for"
    for name in files("*.py", "scripts/*", "demo/*", "bench/*", "meson.build", "*/meson.build", "Makefile"):
        if "SPDX-License-Identifier: MIT" not in text_of(name)[:200]:
            yield f"{name}:1: no SPDX line"


def rule_globals(build):
    """No mutable data with static storage: the symbol table knows."""
    out = subprocess.run(["nm", "--line-numbers", os.path.join(build, "libaboard.a")],
                         capture_output=True, text=True, check=True).stdout
    member = ""
    for line in out.splitlines():
        if line.endswith(".o:"):
            member = line[:-1]
        match = re.match(r"[0-9a-f]+ ([bBdDC]) (\S+)", line)
        # Sanitizers add data of their own; tables of pointers to functions are .data.rel.ro, type 'd'.
        if match and match.group(1) in "bBC" and not match.group(2).startswith(("__", ".")):
            yield f"{member}: {match.group(2)} is a mutable global"


def rule_format():
    out = subprocess.run(["clang-format", "--dry-run", "-Werror", *files("*.c", "*.h")], cwd=ROOT,
                         capture_output=True, text=True, check=False)
    for line in out.stderr.splitlines():
        if "error:" in line:
            yield line


def shell_scripts():
    for name in files("scripts/*", "demo/*", "bench/*", "tests/*", ".ci/*"):
        with open(os.path.join(ROOT, name), "rb") as file:
            first = file.readline()
        if first.startswith(b"#!") and b"sh" in first and b"python" not in first:
            yield name


def rule_shell():
    out = subprocess.run(["shellcheck", "-x", "-f", "gcc", *shell_scripts()], cwd=ROOT,
                         capture_output=True, text=True, check=False)
    yield from out.stdout.splitlines()


def rule_spelling():
    out = subprocess.run(["codespell", "--ignore-words-list", "ot,mone,fo,te,crate,ser,hist,inout,fpr,wont,dout,msdos",
                          "--skip", "*/corpus/*", *files("src", "docs", "tests", "demo", "scripts", "README.md")],
                         cwd=ROOT, capture_output=True, text=True, check=False)
    yield from out.stdout.splitlines()


def rule_cppcheck():
    out = subprocess.run(["cppcheck", "--quiet", "-j2", "--enable=warning,portability", "--inline-suppr",
                          # It does not know what a cleanup attribute closes.
                          "--suppress=resourceLeak", "--suppress=missingIncludeSystem", "--suppress=unknownMacro", "-Isrc",
                          "--library=posix", "--std=c11", "-D_GNU_SOURCE", "-DABOARD_VERSION=\"\"",
                          "--template={file}:{line}: {id}: {message}", "src"],
                         cwd=ROOT, capture_output=True, text=True, check=False)
    yield from out.stderr.splitlines()


def main():
    rule = globals()["rule_" + sys.argv[1]]
    findings = list(rule(*sys.argv[2:]))
    for finding in findings:
        print(finding)
    sys.exit(1 if findings else 0)


main()
