"""Terms (termijnen): from an event to the last day on which something can be done, with the steps.

Each term says how it begins, how long it is and how it rolls: by the Algemene termijnenwet, to
the next working day because a contract or a scheme says so, or not at all (LAW-4).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import ClassVar

from app.kernel.calendar import Period, add_months, working_days
from app.kernel.errors import Text
from app.kernel.holidays import is_free_day, next_working_day
from app.kernel.steps import Step

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Length:
    """How long a term is: at least one of a unit, which the subclasses are.

    ``longest_rolled`` is the longest statutory term in that unit that still rolls over free days:
    90 days, 12 weeks, 3 months, and none in years. The months are *choice*: the rule book names
    days, weeks and years, the statute itself (art. 4(a)) months too.
    """

    count: int

    days_each: ClassVar[int] = 0
    months_each: ClassVar[int] = 0
    longest_rolled: ClassVar[int]
    one: ClassVar[Text]
    many: ClassVar[Text]

    def __post_init__(self) -> None:
        if self.count < 1:
            msg = f"A term has a length of one or more, not {self.count}."
            raise ValueError(msg)

    @property
    def unit(self) -> Text:
        """The name of the unit, singular or plural by the count."""
        return self.one if self.count == 1 else self.many

    @property
    def is_short(self) -> bool:
        """Whether a statutory term of this length rolls over free days (LAW-4)."""
        return self.count <= self.longest_rolled

    def after(self, day: date) -> date:
        """Return the day that lies this length after ``day``; a month's end is clamped."""
        return add_months(day, self.count * self.months_each) + self._days

    def before(self, day: date) -> date:
        """Return the day that lies this length before ``day``; a month's end is clamped."""
        return add_months(day, -self.count * self.months_each) - self._days

    def last_from(self, first: date) -> date:
        """Return the last day of a term of this length of which ``first`` is the first day."""
        beyond = self.after(first)
        # "One month from 31 January" has no 31 February to stop short of: it takes in the 28th.
        is_clamped = bool(self.months_each) and beyond.day < first.day
        return beyond if is_clamped else beyond - _ONE_DAY

    @property
    def _days(self) -> timedelta:
        return timedelta(days=self.count * self.days_each)


class Days(Length):
    days_each = 1
    longest_rolled = 90
    one = Text(en="day", nl="dag")
    many = Text(en="days", nl="dagen")


class Weeks(Length):
    days_each = 7
    longest_rolled = 12
    one = Text(en="week", nl="week")
    many = Text(en="weeks", nl="weken")


class Months(Length):
    months_each = 1
    longest_rolled = 3
    one = Text(en="month", nl="maand")
    many = Text(en="months", nl="maanden")


class Years(Length):
    months_each = 12
    longest_rolled = 0
    one = Text(en="year", nl="jaar")
    many = Text(en="years", nl="jaar")


class Start(StrEnum):
    """Whether the day of the event is the term's first day, or the day next to it."""

    SAME_DAY = "same_day"
    DAY_AFTER = "day_after"


class Roll(StrEnum):
    """What happens when the last day is a free day (LAW-4)."""

    STATUTORY = "statutory"  # set in a statute or an order in council
    NEXT_WORKING_DAY = "next_working_day"  # a contract, fund or scheme says so itself
    NONE = "none"  # ministerial schemes, private funds, contracts and internal dates


@dataclass(frozen=True, slots=True)
class TermRule:
    """How a kind of term is reckoned; ``rule`` is the id of the rule that sets it.

    A term that is counted ``backwards`` ends on the last day that still lies the whole length
    before the event ("at least four weeks before the start").
    """

    length: Length
    start: Start
    roll: Roll
    backwards: bool = False
    rule: str | None = None

    @property
    def rolls(self) -> bool:
        """Whether a free day moves the end of the term.

        A statutory term does not roll when it is counted backwards or is long (LAW-4).
        """
        match self.roll:
            case Roll.STATUTORY:
                return self.length.is_short and not self.backwards
            case Roll.NEXT_WORKING_DAY:
                return True
            case _:
                return False


@dataclass(frozen=True, slots=True)
class TermResult:
    """The last day of a term, to midnight in Amsterdam, and how it was reckoned."""

    last_day: date
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation to complete an application (LAW-5), and what came of it.

    ``answer_by`` is the last day of the term to do so, if one was set; ``completed_on`` the day
    the application was completed, if it was.
    """

    sent_on: date
    answer_by: date | None
    completed_on: date | None = None


# Objection (bezwaar): six weeks from the day after the decision was sent.
OBJECTION = TermRule(length=Weeks(6), start=Start.DAY_AFTER, roll=Roll.STATUTORY, rule="LAW-7")


def reckon(rule: TermRule, event_on: date, suspensions: Sequence[Period] = ()) -> TermResult:
    """Return the last day of the term that ``event_on`` sets off, with each step explained.

    Days on which the term is suspended do not count: overlapping suspensions are united, what
    falls before the term or after its end is left out. The roll comes last.

    Raises:
        ValueError: a suspension has no end yet, or the term is counted backwards and suspended.

    Source: LAW-4 (roll), LAW-6 (suspension), Algemene termijnenwet art. 2 (two working days).
    """
    if rule.backwards:
        if suspensions:
            msg = "A term that is counted backwards can not be suspended."
            raise ValueError(msg)
        return _roll(rule, *_counted_backwards(rule, event_on))
    last, steps = _counted(rule, event_on)
    first = event_on if rule.start is Start.SAME_DAY else event_on + _ONE_DAY
    last, extended = _with_two_working_days(rule, first, last)
    last, suspended = _suspended(rule, first, last, suspensions)
    return _roll(rule, last, [*steps, *extended, *suspended])


def suspension_of(invitation: Invitation) -> Period | None:
    """Return the days on which an invitation suspends the decision term, or None if on none.

    From the day after the invitation until the day of completion, or until the last day of a
    term that passed unused; that day itself counts again (LAW-6, read by its letter: "tot de
    dag waarop"). Without a term to answer nothing is suspended.
    """
    if invitation.answer_by is None:
        return None
    until = min(invitation.completed_on or invitation.answer_by, invitation.answer_by)
    since = invitation.sent_on + _ONE_DAY
    return Period(since, until) if since < until else None


def united(periods: Sequence[Period]) -> list[Period]:
    """Return the same days as periods in order that neither overlap nor touch.

    Raises:
        ValueError: one of them has no end.
    """
    result: list[Period] = []
    for period in sorted(periods, key=lambda period: period.since):
        until = _end_of(period)
        if result and period.since <= (last_until := _end_of(result[-1])):
            result[-1] = Period(result[-1].since, max(last_until, until))
        else:
            result.append(period)
    return result


def _end_of(period: Period) -> date:
    if period.until is None:
        msg = f"The suspension since {period.since} has no end yet."
        raise ValueError(msg)
    return period.until


def _counted(rule: TermRule, event_on: date) -> tuple[date, list[Step]]:
    """Return the last day by length alone."""
    if rule.start is Start.SAME_DAY:
        last = rule.length.last_from(event_on)
        begins = Text(en="beginning on {event_on}", nl="te beginnen op {event_on}")
    else:
        last = rule.length.after(event_on)
        begins = Text(
            en="beginning on the day after {event_on}", nl="te beginnen op de dag na {event_on}"
        )
    return last, [_length_step(rule, begins, event_on, last)]


def _counted_backwards(rule: TermRule, event_on: date) -> tuple[date, list[Step]]:
    """Return the last day that lies the whole length before the event."""
    last = rule.length.before(event_on)
    counting = Text(en="counted back from {event_on}", nl="teruggerekend vanaf {event_on}")
    if rule.start is Start.SAME_DAY:
        last += _ONE_DAY
        counting = Text(
            en="counted back from {event_on}, that day included",
            nl="teruggerekend vanaf {event_on}, die dag meegeteld",
        )
    return last, [_length_step(rule, counting, event_on, last)]


def _length_step(rule: TermRule, how: Text, event_on: date, last: date) -> Step:
    unit = rule.length.unit
    return Step(
        Text(
            en=f"A term of {{count}} {unit.en}, {how.en}, has {{last_on}} as its last day.",
            nl=f"Een termijn van {{count}} {unit.nl}, {how.nl}, heeft {{last_on}} als laatste dag.",
        ),
        {"count": rule.length.count, "event_on": event_on, "last_on": last},
        rule.rule,
    )


def _with_two_working_days(rule: TermRule, first: date, last: date) -> tuple[date, list[Step]]:
    """Extend a statutory term of three days or more until it holds two working days.

    Source: Algemene termijnenwet art. 2. Only a term in days can hold fewer than two.
    """
    shortest_days = 3
    needed = 2
    is_covered = rule.roll is Roll.STATUTORY and rule.length.is_short
    if not is_covered or (last - first).days + 1 < shortest_days:
        return last, []
    extended = last
    while working_days(first, extended) < needed:
        extended = next_working_day(extended + _ONE_DAY)
    if extended == last:
        return last, []
    text = Text(
        en="A statutory term of three days or more holds at least two working days: "
        "it runs to {last_on}.",
        nl="Een wettelijke termijn van drie dagen of meer telt ten minste twee werkdagen: "
        "hij loopt tot en met {last_on}.",
    )
    return extended, [Step(text, {"last_on": extended}, "LAW-4")]


def _suspended(
    rule: TermRule, first: date, last: date, suspensions: Sequence[Period]
) -> tuple[date, list[Step]]:
    """Move the last day by the days on which the term stood still."""
    steps: list[Step] = []
    for period in united(suspensions):
        since, until = max(period.since, first), _end_of(period)
        still_runs_on = next_working_day(last) if rule.rolls else last
        if until <= first or since > still_runs_on:
            continue
        # Suspended on the free days that the roll adds: the term ends as soon as it may go on.
        last = last + (until - since) if since <= last else until
        steps.append(_suspension_step(since, until, last))
    return last, steps


def _suspension_step(since: date, until: date, last: date) -> Step:
    return Step(
        Text(
            en="The term stood still from {since_on} until {until_on}, that is {days} day(s): "
            "its last day becomes {last_on}.",
            nl="De termijn stond stil van {since_on} tot {until_on}, dat is {days} dag(en): "
            "de laatste dag wordt {last_on}.",
        ),
        {"since_on": since, "until_on": until, "days": (until - since).days, "last_on": last},
        "LAW-6",
    )


def _roll(rule: TermRule, last: date, steps: Sequence[Step]) -> TermResult:
    """Move the last day off a free day when the term rolls, and say why it does or does not."""
    if not is_free_day(last):
        return TermResult(last, tuple(steps))
    if not rule.rolls:
        stays = Text(
            en="{last_on} is a Saturday, Sunday or recognised holiday; "
            "a term of this kind does not move for that.",
            nl="{last_on} is een zaterdag, zondag of erkende feestdag; "
            "een termijn van deze soort schuift daarvoor niet op.",
        )
        return TermResult(last, (*steps, Step(stays, {"last_on": last}, "LAW-4")))
    moved = next_working_day(last)
    moves = Text(
        en="{free_on} is a Saturday, Sunday or recognised holiday: the term runs to {last_on}.",
        nl="{free_on} is een zaterdag, zondag of erkende feestdag: "
        "de termijn loopt tot en met {last_on}.",
    )
    step = Step(moves, {"free_on": last, "last_on": moved}, "LAW-4")
    return TermResult(moved, (*steps, step))
