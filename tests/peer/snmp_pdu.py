#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Outlets of several makes behind Net-SNMP's pass_persist. Argument: a folder. `state` in it is JSON:
{"MAKE/OUTLET": "on"|"off"}; `stuck` makes every switch do nothing; `log` gets what was set."""
import json
import pathlib
import sys

APC, ENT = ".1.3.6.1.4.1.318.1.1", ".1.3.6.1.4.1"
# make: (object set to switch, {number: state}, object read, {state: number}, outlets)
MAKES = {
    "apc-spdu": [(APC + ".4.4.2.1.3", {1: "on", 2: "off"})],
    "apc-rpdu": [(APC + ".12.3.3.1.1.4", {1: "on", 2: "off"})],
    "apc-rpdu2": [(APC + ".26.9.2.4.1.5", {1: "on", 2: "off"})],
    "apc-cpdu": [(APC + ".32.5.5.1.4", {2: "on", 1: "off"})],
    "raritan-px2": [(ENT + ".13742.6.4.1.2.1.2.1", {1: "on", 0: "off"})],
    "eaton-epdu": [(ENT + ".534.6.6.7.6.6.1.4.0", {1: "on"}), (ENT + ".534.6.6.7.6.6.1.3.0", {1: "off"})],
    "sentry3": [(ENT + ".1718.3.2.3.1.11", {1: "on", 2: "off"})],
    "poe-mib": [(".1.3.6.1.2.1.105.1.1.1.3", {1: "on", 2: "off"})],
}
STATES = {
    "apc-spdu": (APC + ".4.4.2.1.3", {"on": 1, "off": 2}),
    "apc-rpdu": (APC + ".12.3.3.1.1.4", {"on": 1, "off": 2}),
    "apc-rpdu2": (APC + ".26.9.2.3.1.5", {"off": 1, "on": 2}),
    "apc-cpdu": (APC + ".32.5.5.1.4", {"off": 1, "on": 2}),
    "raritan-px2": (ENT + ".13742.6.4.1.2.1.3.1", {"on": 7, "off": 8}),
    "eaton-epdu": (ENT + ".534.6.6.7.6.6.1.2.0", {"off": 0, "on": 1, "turning off": 2, "turning on": 3}),
    "sentry3": (ENT + ".1718.3.2.3.1.10", {"on": 5, "off": 4, "woken on": 3}),
    "poe-mib": (".1.3.6.1.2.1.105.1.1.1.3", {"on": 1, "off": 2}),
}
folder = pathlib.Path(sys.argv[1])


def load():
    return json.loads((folder / "state").read_text())


def save(state):
    (folder / "state.new").write_text(json.dumps(state))
    (folder / "state.new").rename(folder / "state")


def get(oid):
    state = load()
    for make, (prefix, numbers) in STATES.items():
        outlet = f"{make}/{oid[len(prefix) + 1:]}"
        if oid.startswith(prefix + ".") and outlet in state:
            now = state[outlet]
            if now.startswith("turning "):
                state[outlet] = now.split()[1]
                save(state)
            return [oid, "integer", str(numbers[now])]
    # snmpd sets only what it can read, and so do the real ones; this does not tell the state.
    known = [f"{make}/{oid[len(prefix) + 1:]}" for make, rows in MAKES.items() for prefix, _ in rows
             if oid.startswith(prefix + ".")]
    return [oid, "integer", "0"] if any(outlet in state for outlet in known) else ["NONE"]


def put(oid, text):
    state = load()
    with open(folder / "log", "a", encoding="ascii") as log:
        log.write(f"{oid} {text}\n")
    for make, rows in MAKES.items():
        for prefix, meanings in rows:
            outlet = f"{make}/{oid[len(prefix) + 1:]}"
            if not oid.startswith(prefix + ".") or outlet not in state:
                continue
            kind, number = text.split()
            if kind != "integer":
                return ["wrong-type"]
            if int(number) not in meanings:
                return ["wrong-value"]
            if not (folder / "stuck").exists():
                new = meanings[int(number)]
                state[outlet] = f"turning {new}" if make == "eaton-epdu" else new
                save(state)
            return ["DONE"]
    return ["not-writable"]


def main():
    while line := sys.stdin.readline():
        line = line.strip()
        if not line:
            continue  # snmpd puts one behind a value
        if line == "PING":
            reply = ["PONG"]
        elif line == "get":
            reply = get(sys.stdin.readline().strip())
        elif line == "set":
            reply = put(sys.stdin.readline().strip(), sys.stdin.readline().strip())
        else:
            sys.stdin.readline()
            reply = ["NONE"]
        print("\n".join(reply), flush=True)


main()
