"""Asks redbot about every address on standard input, all at once, and prints what it warns of.

A line of the answer is `address<tab>status<tab>level<tab>note<tab>summary`; one with the level NONE per address that
nothing is said against.
"""

import sys
from configparser import ConfigParser

import thor
from redbot.resource import HttpResource

BAD = ("WARN", "BAD")


def flat(notes):
    for note in notes:
        yield note
        yield from flat(note.subnotes)


def main(addresses):
    settings = ConfigParser()
    settings.read_dict({"redbot": {"enable_local_access": "True"}})
    waiting = set(addresses)
    resources = []
    for address in addresses:
        resource = HttpResource(settings["redbot"])
        resource.set_request(address)

        def done(address=address):
            waiting.discard(address)
            if not waiting:
                thor.stop()

        resource.once("check_done", done)
        resources.append((address, resource))
    for _, resource in resources:
        resource.check()
    if waiting:
        thor.run()
    for address, resource in resources:
        status = resource.response.status_code
        if resource.fetch_error is not None or not list(resource.response.notes):
            print(address, status, "BAD", "none", f"no answer: {resource.fetch_error}", sep="\t")
        found = [note for note in flat(resource.response.notes) if note.level.name in BAD]
        for note in found:
            print(address, status, note.level.name, type(note).__name__, note.summary, sep="\t")
        if not found:
            print(address, status, "NONE", "", "", sep="\t")


main(sys.stdin.read().split())
