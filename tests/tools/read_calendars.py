"""Reads every calendar of a folder with two libraries, icalendar and vobject, and compares what both say with what the
JSON file beside it says it should be."""

import datetime
import json
import pathlib
import re
import sys

import icalendar
import vobject


def fail(path, *words):
    sys.exit(f"{path}: {' '.join(str(word) for word in words)}")


def lines(path, data):
    if not data.endswith(b"\r\n") or b"\n" in data.replace(b"\r\n", b""):
        fail(path, "a line does not end as it should")
    for line in data.split(b"\r\n"):
        if len(line) > 75:
            fail(path, "too long:", line)
        line.decode("utf-8")  # never folded inside a character


def when(value):
    """A day as a day, an instant in UTC."""
    if isinstance(value, datetime.datetime):
        if value.utcoffset() != datetime.timedelta(0):
            sys.exit(f"{value} is not in UTC")
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    return value.isoformat()


def listed(value):
    return value if isinstance(value, list) else [value]


def plain(value):
    """A text as it is written in a property whose type the library does not know, without its escapes."""
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] in "nN" else found[1], str(value))


def by_icalendar(path, data):
    calendar = icalendar.Calendar.from_ical(data)
    for component in calendar.walk():
        if component.errors:
            fail(path, component.errors)
    events = []
    for event in calendar.walk("VEVENT"):
        text = lambda key: str(event[key]) if key in event else None
        events.append({
            "uid": text("UID"),
            "summary": text("SUMMARY"),
            "language": event["SUMMARY"].params["LANGUAGE"],
            "description": text("DESCRIPTION"),
            "location": text("LOCATION"),
            "categories": [str(label) for label in event["CATEGORIES"].cats] if "CATEGORIES" in event else [],
            "start": when(event["DTSTART"].dt),
            "end": when(event["DTEND"].dt) if "DTEND" in event else None,
            "created": when(event["CREATED"].dt),
            "modified": when(event["LAST-MODIFIED"].dt),
            "stamp": when(event["DTSTAMP"].dt),
            "sequence": int(event["SEQUENCE"]),
            "status": text("STATUS"),
            "url": text("URL"),
            "image": text("IMAGE"),
            "attached": [str(found) for found in listed(event["ATTACH"])] if "ATTACH" in event else [],
        })
    said = lambda key: calendar[key]
    head = {"name": plain(said("NAME")), "calname": plain(said("X-WR-CALNAME")), "source": str(said("SOURCE")),
            "caldesc": plain(said("X-WR-CALDESC")), "zone": str(said("X-WR-TIMEZONE")), "uid": str(said("UID"))}
    return {"head": head, "events": events}


def by_vobject(path, data):
    calendar = vobject.readOne(data.decode("utf-8"))
    calendar.validate(raiseException=True)
    events = []
    for event in calendar.contents.get("vevent", []):
        held = event.contents
        text = lambda key: held[key][0].value if key in held else None
        instant = lambda key: when(held[key][0].value) if key in held else None
        events.append({
            "uid": text("uid"),
            "summary": text("summary"),
            "language": event.summary.params["LANGUAGE"][0],
            "description": text("description"),
            "location": text("location"),
            "categories": [label for line in held.get("categories", []) for label in line.value],
            "start": instant("dtstart"),
            "end": instant("dtend"),
            "created": instant("created"),
            "modified": instant("last-modified"),
            "stamp": instant("dtstamp"),
            "sequence": int(text("sequence")),
            "status": text("status"),
            "url": text("url"),
            "image": text("image"),
            "attached": [found.value for found in held.get("attach", [])],
        })
    said = lambda key: calendar.contents[key][0].value
    head = {"name": said("name"), "calname": said("x-wr-calname"), "source": said("source"),
            "caldesc": said("x-wr-caldesc"), "zone": said("x-wr-timezone"), "uid": said("uid")}
    return {"head": head, "events": events}


def main(folder):
    count = events = 0
    for path in sorted(pathlib.Path(folder).glob("*.ics")):
        data = path.read_bytes()
        lines(path, data)
        expected = json.loads(path.with_suffix(".json").read_text())
        for read in (by_icalendar, by_vobject):
            found = read(path, data)
            if found["head"] != expected["head"]:
                fail(path, read.__name__, "\n", found["head"], "\n", expected["head"])
            if len(found["events"]) != len(expected["events"]):
                fail(path, read.__name__, len(found["events"]), "events")
            for a, b in zip(found["events"], expected["events"]):
                if a != b:
                    fail(path, read.__name__, "".join(f"\n{key}: {a[key]!r}\n     {b[key]!r}" for key in a if a[key] != b[key]))
        count += 1
        events += len(expected["events"])
    print(f"two libraries agree on {events} events of {count} calendars")


main(sys.argv[1])
