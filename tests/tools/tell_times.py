"""Tells times by two libraries that are not of our making: croniter for cron lines, python-dateutil for distances in days,
and the zones of Python itself.

One question a line of standard input, in JSON; for each, a list of instants, in seconds since 1970, on a line of
standard output. Libraries reckon in civil time only, without a zone. From there to an instant leads one rule, which is
applied here in its own words: the first instant at which clocks show that time or a later one.
"""

import datetime
import json
import sys
import zoneinfo

from croniter import croniter
from dateutil.relativedelta import relativedelta

UTC = datetime.timezone.utc
SECOND = datetime.timedelta(seconds=1)
DAY = datetime.timedelta(days=1)


def shown(instant, zone):
    """What clocks show."""
    at = datetime.datetime.fromtimestamp(instant, UTC).astimezone(zone)
    return at.replace(tzinfo=None, fold=0)


def first(civil, zone):
    """The first instant at which clocks show a time or a later one."""
    at = civil.replace(tzinfo=zone, fold=0).timestamp()
    if shown(at, zone) == civil:
        return int(at)
    # No clock shows it. Two days around it, clocks show earlier times and then later ones, with one leap.
    early, late = int(at - 86400), int(at + 86400)
    assert shown(early, zone) < civil < shown(late, zone)
    while late - early > 1:
        middle = (early + late) // 2
        early, late = (middle, late) if shown(middle, zone) < civil else (early, middle)
    return late


def slots(question, zone):
    """All slots of some cron lines from an instant on, and before another."""
    start, end = question["from"], question["until"]
    instants = set()
    for line in question["lines"]:
        seconds_first = len(line.split()) == 6
        # What is shown twice in an autumn is shown first before an instant that lies in the second showing.
        civil, last = shown(start, zone) - DAY, shown(end, zone) + DAY
        times = croniter(line, civil - SECOND, ret_type=datetime.datetime, second_at_beginning=seconds_first)
        while (civil := times.get_next()) <= last:
            instants.add(first(civil, zone))
    return sorted(instant for instant in instants if start <= instant < end)


def offset(question, zone):
    """The instant that lies some days of the calendar and some seconds of the clock from another."""
    at, days, seconds = question["at"], question["days"], question["seconds"]
    if days:
        at = first(shown(at, zone) + relativedelta(days=days), zone)
    return [at + seconds]


def quiet(question, zone):
    """The first instant at which clocks show none of the quiet times, looked for minute by minute."""
    at = question["at"]

    def is_quiet(instant):
        civil = shown(instant, zone)
        minute = civil.hour * 60 + civil.minute
        for line in question["hours"]:
            of_today = civil.isoweekday() % 7 in line["days"]
            of_yesterday = (civil - DAY).isoweekday() % 7 in line["days"]
            if line["from"] < line["until"]:
                if of_today and line["from"] <= minute < line["until"]:
                    return True
            elif (of_today and minute >= line["from"]) or (of_yesterday and minute < line["until"]):
                return True
        return False

    while is_quiet(at):
        at += 60 - at % 60
    return [at]


for line in sys.stdin:
    question = json.loads(line)
    answer = {"slots": slots, "offset": offset, "quiet": quiet}[question["what"]]
    print(json.dumps(answer(question, zoneinfo.ZoneInfo(question["zone"]))))
