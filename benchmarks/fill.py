"""An organisation with its people and 100,000 training requests, by plain SQL into the real schema.

The organisation, its policy, its means and its proposals come through the services; what there is
much of is inserted. The ledger that this makes is one that ``verify`` finds nothing in.
"""

# Composed of constants and of placeholders.
# ruff: noqa: S608

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql as composed
from sqlalchemy import insert

from app.budgets.service import BudgetService
from app.db.models import Tenant
from app.db.session import Database
from app.decisions.service import DecisionService
from app.kernel.actors import Actor, Role
from app.kernel.quantities import Cents
from app.ledger.service import LedgerService
from app.policy.rules import OrganisationKind
from app.policy.schemas import PolicySettings, PolicyVersionIn
from app.policy.service import PolicyService
from benchmarks.ids import Of, identifier, sql

SLUG = "bench"
# The service's clock stands here, so that the same sessions are past whenever this runs.
NOW = datetime(2027, 8, 2, 8, 0, tzinfo=UTC)
TEAM = 25

_YEAR = 2027
_PAST, _LATER = date(2027, 5, 10), date(2027, 10, 4)
_NORM_MINUTES = 4800
_POLICY: dict[str, Any] = {
    "norm_minutes": _NORM_MINUTES,
    "norm_binding": True,
    "norm_pro_rating": "none",
    "full_time_minutes_per_week": 2160,
    "tranches": [
        {
            "number": number,
            "closes_month": closes,
            "closes_day": 15,
            "decision_by_month": decided,
            "decision_by_day": 31,
            "decision_year_offset": offset,
        }
        for number, closes, decided, offset in ((1, 11, 1, 1), (2, 7, 8, 0))
    ],
    "deadline_roll": "none",
    "criteria_weights": {
        "legal_and_function": 5,
        "organisation_goals": 4,
        "team_and_function": 3,
        "individual_development": 2,
        "efficiency_and_feasibility": 2,
    },
    "rating_labels": ["none", "slight", "clear", "strong", "decisive"],
    "agreement_cost_threshold_cents": 200_000,
    "agreement_time_threshold_minutes": 2400,
    "repayment_cost_threshold_cents": 200_000,
    "investment_after_subsidies": True,
    "repayment_schedule": {
        "kind": "staircase",
        "steps": [{"until_months": 12, "percent": 100}, {"until_months": 24, "percent": 50}],
    },
    "reconsideration_offered": True,
    "consent": {"kind": "works_council", "reference": "OR 2025-09", "given_on": "2025-09-18"},
}


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much there is; all requests are numbered from 1: drafts, granted, proposed, the rest."""

    requests: int
    drafts: int
    granted: int
    proposals: int
    items: int
    employees: int

    @property
    def first_granted(self) -> int:
        return self.drafts + 1

    @property
    def first_proposed(self) -> int:
        return self.drafts + self.granted + 1

    @property
    def proposed(self) -> int:
        return self.proposals * self.items

    @property
    def managers(self) -> int:
        return self.employees // TEAM

    @property
    def hr(self) -> int:
        """The number of HR's adviser, who leads nobody and asks for nothing; the MT's follows."""
        return self.employees + self.managers + 1

    @property
    def mt(self) -> int:
        return self.hr + 1

    def participant(self, request: int) -> int:
        """Return who takes part: in a draft one of the first team, else anybody."""
        return 1 + request % (TEAM if request <= self.drafts else self.employees)


@dataclass(frozen=True, slots=True)
class Filled:
    """What the load needs to know: the organisation and the proposals that wait for the MT."""

    organisation_id: UUID
    sizes: Sizes
    proposal_ids: tuple[UUID, ...]


async def fill(
    database: Database, owner_url: str, sizes: Sizes, progress: Callable[[str], None]
) -> Filled:
    """Fill an empty database and return what is in it.

    Raises:
        ValueError: the ledger does not add up: this fill and the schema have grown apart.
    """
    organisation_id = identifier(Of.REQUEST, 0)
    policy_id = await _found(database, organisation_id)
    await _bulk(owner_url, organisation_id, policy_id, sizes, progress)
    hr = Actor(organisation_id, "bench-hr", frozenset({Role.HR}))
    mt = Actor(organisation_id, "bench-mt", frozenset({Role.MT}))
    async with database.work(mt, NOW, "bench") as work:
        await BudgetService(work).set_means(
            _YEAR, amount_cents=Cents(10**11), motivation="Genoeg om alles te verlenen."
        )
    proposals: list[UUID] = []
    for number in range(1, sizes.proposals + 1):
        progress(f"Proposal {number} of {sizes.proposals}, of {sizes.items} items ...")
        async with database.work(hr, NOW, "bench") as work:
            decisions = DecisionService(work)
            view = await decisions.propose(
                tranche_id=identifier(Of.TRANCHE, number),
                request_ids=(),
                title=f"Voorstel {number}",
                substantiation="Op volgorde van score, binnen de middelen.",
            )
            await decisions.submit(view.proposal.id, expected=None)
            proposals.append(view.proposal.id)
    async with database.work(hr, NOW, "bench") as work:
        if differences := await LedgerService(work).verify():
            message = f"the ledger does not add up: {differences[:3]}"
            raise ValueError(message)
    async with await psycopg.AsyncConnection.connect(owner_url, autocommit=True) as connection:
        await connection.execute("VACUUM ANALYZE")
    return Filled(organisation_id, sizes, tuple(proposals))


async def _found(database: Database, organisation_id: UUID) -> UUID:
    founder = Actor(organisation_id, "bench-founder", frozenset({Role.ADMIN, Role.MT}))
    async with database.work(founder, datetime(2026, 10, 1, tzinfo=UTC), "bench") as work:
        await work.session.execute(
            insert(Tenant).values(organisation_id=organisation_id, slug=SLUG)
        )
        policies = PolicyService(work)
        await policies.found_organisation(name="Meetdienst", kind=OrganisationKind.EMPLOYER)
        body = PolicyVersionIn(
            title="Beleid 2027",
            valid_from=date(_YEAR, 1, 1),
            settings=PolicySettings.model_validate(_POLICY),
        )
        drafted = await policies.draft(body)
        return (await policies.activate(drafted.id, expected=None)).id


async def _bulk(
    owner_url: str,
    organisation_id: UUID,
    policy_id: UUID,
    sizes: Sizes,
    progress: Callable[[str], None],
) -> None:
    async with await psycopg.AsyncConnection.connect(owner_url) as connection:
        # The owner is held to row-level security too.
        tenant = composed.SQL("SET LOCAL app.organisation_id = {}")
        await connection.execute(tenant.format(composed.Literal(str(organisation_id))))
        known = {
            "organisation": organisation_id,
            "policy": policy_id,
            "now": NOW,
            "past": _PAST,
            "later": _LATER,
            "norm": _NORM_MINUTES,
            "drafts": sizes.drafts,
            "granted": sizes.drafts + sizes.granted,
            "proposed": sizes.drafts + sizes.granted + sizes.proposed,
            "requests": sizes.requests,
            "items": sizes.items,
            "tranches": sizes.proposals,
            "team": TEAM,
            "employees": sizes.employees,
            "people": sizes.mt,
            "hr": sizes.hr,
        }
        for told, statement in _STATEMENTS:
            progress(f"{told} ...")
            await connection.execute(statement.encode(), known)


_E = "(1 + n %% (CASE WHEN n <= %(drafts)s THEN %(team)s ELSE %(employees)s END))"
_MANAGER = "(%(employees)s + 1 + (n - 1) / %(team)s)"
_EACH = "FROM generate_series(1, %(requests)s) AS n"
_GRANTED = "FROM generate_series(%(drafts)s + 1, %(granted)s) AS n"
_PROPOSED = "FROM generate_series(%(granted)s + 1, %(proposed)s) AS n"
_STATEMENTS: tuple[tuple[str, str], ...] = (
    (
        "Teams",
        f"""
        INSERT INTO teams (organisation_id, id, department, name)
        SELECT %(organisation)s, {sql(Of.TEAM, "n")}, 'Toezicht', 'Team ' || n
          FROM generate_series(0, %(employees)s / %(team)s) AS n
        """,
    ),
    (
        "A function",
        f"""
        INSERT INTO functions (organisation_id, id, name)
        VALUES (%(organisation)s, {sql(Of.FUNCTION, "1")}, 'Adviseur')
        """,
    ),
    (
        "Employees",
        f"""
        INSERT INTO employees (organisation_id, id, version, personnel_number, given_name,
                               family_name, family_key, email, email_key)
        SELECT %(organisation)s, {sql(Of.EMPLOYEE, "n")}, 1, 'P' || n, 'Noor', 'Meulen' || n,
               'meulen' || n, 'p' || n || '@bench.example', 'p' || n || '@bench.example'
          FROM generate_series(1, %(people)s) AS n
        """,
    ),
    (
        "Employments",
        f"""
        INSERT INTO employments (organisation_id, id, employee_id, hired_on, kind)
        SELECT %(organisation)s, {sql(Of.EMPLOYMENT, "n")}, {sql(Of.EMPLOYEE, "n")},
               '2020-01-01', 'permanent'
          FROM generate_series(1, %(people)s) AS n
        """,
    ),
    (
        "Placements",
        f"""
        INSERT INTO placements (organisation_id, id, employment_id, employee_id, team_id,
                                function_id, manager_id, contract_minutes_per_week, valid_from)
        SELECT %(organisation)s, {sql(Of.PLACEMENT, "n")}, {sql(Of.EMPLOYMENT, "n")},
               {sql(Of.EMPLOYEE, "n")},
               CASE WHEN n <= %(employees)s THEN {sql(Of.TEAM, "(1 + (n - 1) / %(team)s)")}
                    ELSE {sql(Of.TEAM, "0")} END,
               {sql(Of.FUNCTION, "1")},
               CASE WHEN n <= %(employees)s THEN {sql(Of.EMPLOYEE, _MANAGER)}
                    WHEN n < %(people)s THEN {sql(Of.EMPLOYEE, "%(people)s")} END,
               2160, '2020-01-01'
          FROM generate_series(1, %(people)s) AS n
        """,
    ),
    (
        "Tranches",
        f"""
        INSERT INTO tranches (organisation_id, id, year, number, opens_on, closes_on, decision_by,
                              policy_version_id)
        SELECT %(organisation)s, {sql(Of.TRANCHE, "n")}, 2027, 10 + n, '2026-11-16', '2027-07-15',
               '2027-08-31', %(policy)s
          FROM generate_series(0, %(tranches)s) AS n
        """,
    ),
    (
        "Training requests",
        f"""
        INSERT INTO training_requests (
            organisation_id, id, version, reference, status, tranche_id, interim, title, title_key,
            provider, kind, starts_on, ends_on, motivation, conversation_on, basis, applicant_id,
            submitted_at, policy_version_id, created_by, created_at)
        SELECT %(organisation)s, {sql(Of.REQUEST, "n")}, 1, 'B' || n,
               CASE WHEN n <= %(drafts)s THEN 'draft' WHEN n <= %(granted)s THEN 'granted'
                    WHEN n <= %(proposed)s THEN 'under_assessment' ELSE 'submitted' END,
               CASE WHEN n > %(granted)s AND n <= %(proposed)s
                    THEN {sql(Of.TRANCHE, "(1 + (n - 1 - %(granted)s) / %(items)s)")}
                    WHEN n > %(drafts)s THEN {sql(Of.TRANCHE, "0")} END,
               false, 'Geluid in de Omgevingswet, deel ' || n %% 500,
               'geluid in de omgevingswet, deel ' || n %% 500, 'Geluidsacademie', 'course',
               %(past)s, %(later)s, 'Nodig om geluidrapporten zelf te kunnen toetsen.',
               '2027-02-11', 'necessary_for_function',
               {sql(Of.EMPLOYEE, _MANAGER.replace("n -", f"{_E} -"))},
               CASE WHEN n > %(drafts)s THEN %(now)s - interval '60 days' END,
               CASE WHEN n > %(drafts)s THEN %(policy)s END,
               'bench', %(now)s - interval '90 days'
        {_EACH}
        """,
    ),
    (
        "Participants",
        f"""
        INSERT INTO request_participants (organisation_id, request_id, employee_id, position,
                                          status)
        SELECT %(organisation)s, {sql(Of.REQUEST, "n")}, {sql(Of.EMPLOYEE, _E)}, 1, 'enrolled'
        {_EACH}
        """,
    ),
    (
        "Sessions",
        f"""
        INSERT INTO training_sessions (organisation_id, id, request_id, held_on, minutes,
                                       working_time, estimated)
        SELECT %(organisation)s, s.id, {sql(Of.REQUEST, "n")}, s.held_on, 60, true, false
        {_EACH}
         CROSS JOIN LATERAL (VALUES ({sql(Of.PAST_SESSION, "n")}, %(past)s::date),
                                    ({sql(Of.LATER_SESSION, "n")}, %(later)s::date))
                 AS s (id, held_on)
        """,
    ),
    (
        "Cost lines",
        f"""
        INSERT INTO cost_lines (organisation_id, request_id, position, what, amount_cents,
                                vat_cents, per_participant)
        SELECT %(organisation)s, {sql(Of.REQUEST, "n")}, c.position, c.what, c.cents,
               c.cents * 21 / 100, c.each
        {_EACH}
         CROSS JOIN LATERAL (VALUES (1, 'Cursusgeld', 100000 + n %% 10 * 10000, true),
                                    (2, 'Zaalhuur', 5000, false)) AS c (position, what, cents, each)
        """,
    ),
    (
        "Grounds",
        f"""
        INSERT INTO request_grounds (organisation_id, request_id, criterion, motivation)
        SELECT %(organisation)s, {sql(Of.REQUEST, "n")}, 'team_and_function',
               'Het team mist deze kennis.'
        {_EACH}
        """,
    ),
    (
        "Classifications",
        f"""
        INSERT INTO basis_classifications (organisation_id, id, request_id, sequence, basis, reason,
                                           classified_by, classified_at)
        SELECT %(organisation)s, {sql(Of.CLASSIFICATION, "n")}, {sql(Of.REQUEST, "n")}, 1,
               'necessary_for_function', 'Kwaliteitscriteria VTH.', 'bench', %(now)s
        {_EACH}
        """,
    ),
    (
        "Assessments",
        f"""
        INSERT INTO assessments (organisation_id, request_id, points, most_points,
                                 policy_version_id, assessed_by, assessed_at)
        SELECT %(organisation)s, {sql(Of.REQUEST, "n")}, 48, 64, %(policy)s, 'bench', %(now)s
        {_PROPOSED}
        """,
    ),
    (
        "Ratings",
        f"""
        INSERT INTO assessment_ratings (organisation_id, request_id, criterion, rating, motivation)
        SELECT %(organisation)s, {sql(Of.REQUEST, "n")}, criterion, 3, 'Draagt hieraan bij.'
        {_PROPOSED}
         CROSS JOIN unnest(ARRAY['legal_and_function', 'organisation_goals', 'team_and_function',
                                 'individual_development', 'efficiency_and_feasibility'])
                 AS criterion
        """,
    ),
    (
        "The organisation's accounts of hours",
        f"""
        INSERT INTO accounts (organisation_id, id, kind, unit, owner_type, owner_id, period_from,
                              period_until, counted, limited)
        SELECT %(organisation)s, a.id, a.kind, 'minutes', 'organisation', %(organisation)s,
               '2027-01-01', '2028-01-01', false, false
          FROM (VALUES ({sql(Of.NORM_SOURCE, "1")}, 'norm-source'),
                       ({sql(Of.HOURS_SPENT, "1")}, 'hours-spent')) AS a (id, kind)
        """,
    ),
    (
        "The employees' accounts of hours",
        f"""
        INSERT INTO accounts (organisation_id, id, kind, unit, owner_type, owner_id, period_from,
                              period_until, counted, limited, debits_pending, credits_posted,
                              sequence)
        SELECT %(organisation)s, {sql(Of.NORM_ACCOUNT, "e")}, 'norm', 'minutes', 'employee',
               {sql(Of.EMPLOYEE, "e")}, '2027-01-01', '2028-01-01', true, true,
               60 * coalesce(held.requests, 0), %(norm)s, 1 + coalesce(held.requests, 0)
          FROM generate_series(1, %(employees)s) AS e
          LEFT JOIN (SELECT {_E} AS e, count(*) AS requests {_GRANTED} GROUP BY 1) AS held
         USING (e)
        """,
    ),
    (
        "Norms",
        f"""
        WITH made AS (
            INSERT INTO transfers (organisation_id, id, kind, debit_account_id, credit_account_id,
                                   unit, amount, released, cause_type, cause_id, key, activity_on,
                                   recorded_at, credit_sequence)
            SELECT %(organisation)s, {sql(Of.NORM_TRANSFER, "e")}, 'posted',
                   {sql(Of.NORM_SOURCE, "1")}, {sql(Of.NORM_ACCOUNT, "e")}, 'minutes', %(norm)s, 0,
                   'policy', %(policy)s, 'norm:' || e, '2027-01-01', %(now)s, 1
              FROM generate_series(1, %(employees)s) AS e
        )
        INSERT INTO hour_norms (organisation_id, id, employee_id, calendar_year, position,
                                policy_version_id, norm_minutes, transfer_id)
        SELECT %(organisation)s, {sql(Of.NORM, "e")}, {sql(Of.EMPLOYEE, "e")}, 2027, 1, %(policy)s,
               %(norm)s, {sql(Of.NORM_TRANSFER, "e")}
          FROM generate_series(1, %(employees)s) AS e
        """,
    ),
    (
        "Hours held",
        f"""
        INSERT INTO transfers (organisation_id, id, kind, debit_account_id, credit_account_id,
                               unit, amount, released, cause_type, cause_id, key, activity_on,
                               recorded_at, debit_sequence)
        SELECT %(organisation)s, {sql(Of.RESERVING_TRANSFER, "n")}, 'pending',
               {sql(Of.NORM_ACCOUNT, _E)}, {sql(Of.HOURS_SPENT, "1")}, 'minutes', 60, 0, 'decision',
               {sql(Of.DECISION, "n")}, 'reserve:' || n, %(past)s, %(now)s,
               1 + row_number() OVER (PARTITION BY {_E} ORDER BY n)
        {_GRANTED}
        """,
    ),
    (
        "Reservations",
        f"""
        INSERT INTO reservations (organisation_id, id, request_id, session_id, employee_id,
                                  decision_id, held_on, minutes, working_time, status, transfer_id)
        SELECT %(organisation)s, {sql(Of.RESERVATION, "n")}, {sql(Of.REQUEST, "n")},
               {sql(Of.PAST_SESSION, "n")}, {sql(Of.EMPLOYEE, _E)}, {sql(Of.DECISION, "n")},
               %(past)s, 60, true, 'open', {sql(Of.RESERVING_TRANSFER, "n")}
        {_GRANTED}
        """,
    ),
)
