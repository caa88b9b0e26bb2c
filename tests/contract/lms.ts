/**
 * The main job as a learning management system does it, with the client generated from the
 * contract: people arrive, a training is asked for, assessed, proposed, decided, agreed upon,
 * attended and paid back. Each refusal on the way is met, and told by its rule and its figures.
 *
 * BASE_URL is where the demo runs. It ends with 0 when every step went as it should.
 */
import { createClient, createConfig, type Client } from './client/client';
import {
  assessRequest,
  completeRequest,
  decide,
  draftProposal,
  draftRequest,
  drawUpAgreement,
  endEmployment,
  getAgreementDocument,
  getAgreementRepayment,
  getBudget,
  getHourLedger,
  getMe,
  getRequest,
  getTrancheOverview,
  importEmployees,
  listAgreements,
  recordAttendances,
  setDemoClock,
  signAgreement,
  submitProposal,
  submitRequest,
  tryDecisions,
} from './client/sdk.gen';
import type { AssessmentIn, Criterion, DecisionsIn, Problem, RequestIn } from './client/types.gen';

type Answer<T> = { data: T | undefined; error: Problem | undefined };

const baseUrl = process.env['BASE_URL'] ?? 'http://127.0.0.1:8000';
const COST_CENTS = 349_690;
const HALF_CENTS = COST_CENTS / 2;
const CRITERIA: Criterion[] = [
  'legal_and_function',
  'organisation_goals',
  'team_and_function',
  'individual_development',
  'efficiency_and_feasibility',
];

class Unexpected extends Error {}

function check(holds: boolean, what: string): void {
  if (!holds) throw new Unexpected(what);
}

/** The answer to a call that must succeed. */
async function granted<T>(what: string, call: Promise<Answer<T>>): Promise<T> {
  const answer = await call;
  if (answer.error !== undefined) {
    throw new Unexpected(`${what}: ${answer.error.status} ${answer.error.detail}`);
  }
  if (answer.data === undefined) throw new Unexpected(`${what}: there is no answer`);
  console.log(`  ${what}`);
  return answer.data;
}

/** The problem of a call that must be refused with this status, by this rule. */
async function refused<T>(
  what: string,
  status: number,
  rule: string | null,
  call: Promise<Answer<T>>,
): Promise<Problem> {
  const answer = await call;
  if (answer.error === undefined) throw new Unexpected(`${what}: it was granted`);
  const problem: Problem = answer.error;
  const told = problem.rule?.id ?? null;
  check(
    problem.status === status && told === rule,
    `${what}: ${problem.status} by ${told}, not ${status} by ${rule}: ${problem.detail}`,
  );
  check(problem.remedy !== '', `${what}: it does not say what to do`);
  console.log(`  ${what}: ${status} ${problem.title}`);
  return problem;
}

function only<T>(items: T[], what: string): T {
  const [first, ...others] = items;
  if (first === undefined || others.length > 0) {
    throw new Unexpected(`${what}: ${items.length} of them, not 1`);
  }
  return first;
}

function accessToken(answer: unknown): string {
  if (typeof answer === 'object' && answer !== null && 'access_token' in answer) {
    if (typeof answer.access_token === 'string') return answer.access_token;
  }
  throw new Unexpected('the demo gave no token');
}

/** A client that is signed in as one of the demo's personas. */
async function signIn(persona: string): Promise<Client> {
  const answer = await fetch(`${baseUrl}/demo/token`, {
    method: 'POST',
    body: new URLSearchParams({ username: persona, password: 'demo' }),
  });
  const token = accessToken(await answer.json());
  return createClient(
    createConfig({
      baseUrl: `${baseUrl}/v1`,
      auth: token,
      headers: { 'Accept-Language': 'en' },
    }),
  );
}

/** A key of its own for a request that is sent once. */
const once = (): { 'Idempotency-Key': string } => ({ 'Idempotency-Key': crypto.randomUUID() });
/** The same, for a change of whatever version there is now. */
const latest = (): { 'Idempotency-Key': string; 'If-Match': string } => ({
  ...once(),
  'If-Match': '*',
});

function training(employeeId: string): RequestIn {
  return {
    title: 'Coachend leidinggeven voor senior toezichthouders',
    provider: 'Trainingsbureau',
    kind: 'training',
    startsOn: '2027-09-20',
    endsOn: '2027-12-13',
    motivation: 'Groeit naar de coordinatie van het team.',
    conversationOn: '2026-11-10',
    basis: 'voluntary',
    participantIds: [employeeId],
    sessions: [
      { heldOn: '2027-09-20', minutes: 480, workingTime: true },
      { heldOn: '2027-12-13', minutes: 480, workingTime: true },
    ],
    costLines: [
      { what: 'Cursusgeld', amountCents: 289_000, vatBasisPoints: 2100, perParticipant: true },
    ],
    grounds: [
      { criterion: 'individual_development', motivation: 'Afgesproken in het jaargesprek.' },
    ],
  };
}

const assessment: AssessmentIn = {
  ratings: CRITERIA.map((criterion) => ({
    criterion,
    rating: 3,
    motivation: 'Draagt hieraan bij.',
  })),
};

async function walk(): Promise<void> {
  const hris = await signIn('hris');
  const employee = await signIn('employee');
  const manager = await signIn('manager');
  const hr = await signIn('hr');
  const mt = await signIn('mt');
  const stranger = await signIn('other-hr');

  const today = async (nowAt: string | null): Promise<void> => {
    await granted(
      `it is ${nowAt?.slice(0, 10) ?? 'today again'}`,
      setDemoClock({ client: hr, body: { nowAt } }),
    );
  };

  await today('2026-11-23T09:00:00Z');
  try {
    await fromRequestToClaim();
  } finally {
    await today(null);
  }

  async function fromRequestToClaim(): Promise<void> {
    // People arrive from the HRIS; sent twice, they arrive once.
    const personnelNumber = `L${Date.now()}`;
    const people = {
      client: hris,
      body: [
        {
          personnelNumber,
          givenName: 'Sanne',
          infix: 'van der',
          familyName: 'Berg',
          email: `sanne.${personnelNumber}@od-voorbeeld.example`,
          department: 'Toezicht',
          team: 'Toezicht Industrie',
          function: 'Toezichthouder milieu',
          managerNumber: '100150',
          hiredOn: '2026-11-01',
          kind: 'permanent' as const,
          contractMinutesPerWeek: 2160,
        },
      ],
    };
    const arrived = await granted('people arrive', importEmployees(people));
    const again = await granted('they arrive once', importEmployees(people));
    check(arrived.createdCount === 1 && again.unchangedCount === 1, 'people arrive twice');
    await refused(
      'an employee imports nobody',
      403,
      null,
      importEmployees({ ...people, client: employee }),
    );

    // A manager asks for a training for one of the team.
    const me = await granted('who am I', getMe({ client: employee }));
    if (me.employee === null) throw new Unexpected('the persona is nobody');
    const employeeId = me.employee.id;
    const wrong = await refused(
      'a training that ends before it starts',
      422,
      null,
      draftRequest({
        client: manager,
        headers: once(),
        body: { ...training(employeeId), endsOn: '2027-09-19' },
      }),
    );
    check(wrong.facts?.['endsOn'] === '2027-09-19', 'it does not tell which day is wrong');
    const empty = await refused(
      'a training without a title',
      400,
      null,
      draftRequest({
        client: manager,
        headers: once(),
        body: { ...training(employeeId), title: '' },
      }),
    );
    check(only(empty.errors ?? [], 'errors').pointer === '/title', 'it points at another value');
    const draft = await granted(
      'a request is drafted',
      draftRequest({ client: manager, headers: once(), body: training(employeeId) }),
    );
    check(draft.totalCostCents === COST_CENTS, `it costs ${draft.totalCostCents} cents`);
    const path = { requestId: draft.id };
    await refused(
      'a submission of a version nobody read',
      428,
      null,
      submitRequest({ client: manager, path, headers: once(), body: {} }),
    );
    const submitted = await granted(
      'it is submitted',
      submitRequest({ client: manager, path, headers: latest(), body: {} }),
    );
    const tranche = submitted.tranche;
    if (tranche === null) throw new Unexpected('it falls in no tranche');
    check(tranche.year === 2027 && tranche.number === 2, 'it falls in another tranche');
    await refused('another employer sees none of it', 404, null, getRequest({ client: stranger, path }));

    // HR assesses the tranche; a proposal can go to the management team when it has closed.
    const overview = await granted(
      'the tranche is looked over',
      getTrancheOverview({ client: hr, path: { trancheId: tranche.id } }),
    );
    for (const { requestId } of overview.items) {
      const judged = await granted(
        'a request is assessed',
        assessRequest({ client: hr, path: { requestId }, headers: latest(), body: assessment }),
      );
      check(judged.complete, 'an assessment is not complete');
    }
    const proposal = await granted(
      'a proposal is drafted',
      draftProposal({
        client: hr,
        headers: once(),
        body: {
          trancheId: tranche.id,
          title: 'Voorstel tweede tranche 2027',
          substantiation: 'Noodzaak eerst, daarna naar score.',
        },
      }),
    );
    const submission = { client: hr, path: { proposalId: proposal.id } };
    await refused(
      'the tranche is still open',
      409,
      'VIS-6.2',
      submitProposal({ ...submission, headers: latest() }),
    );
    await today('2027-07-20T09:00:00Z');
    await granted('the proposal is submitted', submitProposal({ ...submission, headers: latest() }));

    // The management team tries the decision, and takes it; sent again, it is not taken twice.
    const body: DecisionsIn = {
      items: [
        { requestId: draft.id, outcome: 'granted', motivation: 'Past in de ontwikkeling van het team.' },
      ],
    };
    const decision = { client: mt, path: { proposalId: proposal.id }, body };
    const budget = { client: mt, path: { budgetYear: 2027 } };
    const before = await granted('the means are read', getBudget(budget));
    const trial = await granted(
      'the decision is tried',
      tryDecisions({ ...decision, headers: latest() }),
    );
    check(!trial.blocked, 'the decision is blocked');
    await refused(
      'HR decides nothing',
      403,
      'VIS-5.1',
      decide({ ...decision, client: hr, headers: latest() }),
    );
    const headers = latest();
    const taken = await granted('the decision is taken', decide({ ...decision, headers }));
    const replayed = await granted('it is taken once', decide({ ...decision, headers }));
    const grant = only(taken.items, 'decisions');
    check(only(replayed.items, 'decisions').id === grant.id, 'it is taken twice');
    check(grant.amountCents === COST_CENTS && grant.repaymentApplies, 'another amount is granted');
    const after = await granted('the means are committed', getBudget(budget));
    check(after.committedCents - before.committedCents === COST_CENTS, 'another amount is committed');

    // An agreement is drawn up, and signed by the employee first and the manager second.
    const agreements = await granted(
      'an agreement is needed',
      listAgreements({ client: hr, query: { requestId: draft.id } }),
    );
    const agreement = { agreementId: only(agreements.items, 'agreements').id };
    const drawnUp = await granted(
      'it is drawn up',
      drawUpAgreement({ client: hr, path: agreement, headers: latest(), body: {} }),
    );
    const documentSha256 = drawnUp.documentSha256;
    if (documentSha256 === null) throw new Unexpected('it has no document');
    const document = await granted(
      'its document is read',
      getAgreementDocument({ client: employee, path: agreement }),
    );
    check((await document.slice(0, 5).text()) === '%PDF-', 'the document is no PDF');
    const sign = (client: Client) =>
      signAgreement({ client, path: agreement, headers: latest(), body: { documentSha256 } });
    await refused('the manager can not sign first', 409, 'VIS-7.3', sign(manager));
    await granted('the employee signs', sign(employee));
    const signed = await granted('the manager signs', sign(manager));
    check(signed.status === 'signed', `the agreement is ${signed.status}`);

    // What was attended is posted to the year's hours, and the rest released.
    const hours = { client: employee, path: { employeeId, calendarYear: 2027 } };
    const reserved = await granted('hours are reserved', getHourLedger(hours));
    await today('2027-09-21T09:00:00Z');
    const first = draft.sessions.find((session) => session.heldOn === '2027-09-20');
    if (first === undefined) throw new Unexpected('the first day is not there');
    await granted(
      'attendance is recorded',
      recordAttendances({
        client: hr,
        path: { requestId: draft.id, sessionId: first.id },
        headers: once(),
        body: { attended: [{ employeeId, attendedMinutes: 420 }] },
      }),
    );
    const spent = await granted('hours are spent', getHourLedger(hours));
    check(spent.spentMinutes - reserved.spentMinutes === 420, 'other hours are spent');
    check(reserved.reservedMinutes - spent.reservedMinutes === 480, 'other hours are released');

    // The training is completed; the employee leaves, and what is owed is claimed with its reasons.
    await today('2027-12-20T09:00:00Z');
    const participants = [{ employeeId, completed: true }];
    await granted(
      'the training is completed',
      completeRequest({
        client: hr,
        path,
        headers: latest(),
        body: { completedOn: '2027-12-13', participants },
      }),
    );
    for (const [leavesOn, cents] of [
      ['2028-12-13', COST_CENTS],
      ['2028-12-14', HALF_CENTS],
      ['2029-12-13', 0],
    ] as const) {
      const owed = await granted(
        `what would be owed on ${leavesOn}`,
        getAgreementRepayment({ client: employee, path: agreement, query: { leavesOn } }),
      );
      check(owed.amountCents === cents, `${owed.amountCents} cents are owed, not ${cents}`);
      check(owed.steps.some((step) => step.rule === 'VIS-7.7'), 'it is not explained');
    }
    const departure = await granted(
      'the employee leaves',
      endEmployment({
        client: hr,
        path: { employeeId },
        headers: latest(),
        body: { leftOn: '2028-12-14', reason: 'resignation', initiative: 'employee' },
      }),
    );
    const claim = only(
      departure.claims.filter((one) => one.agreementId === agreement.agreementId),
      'claims',
    );
    check(
      claim.amountCents === HALF_CENTS && claim.status === 'due',
      `${claim.amountCents} cents are ${claim.status}`,
    );
  }
}

walk().then(
  () => console.log('the main job is done'),
  (error: unknown) => {
    console.error(error instanceof Unexpected ? `FAILED ${error.message}` : error);
    process.exitCode = 1;
  },
);
