"""Words for the codes that facts hold: how a status, a step or a role reads within a sentence.

The code itself stays in a problem's ``facts``; here is only how it is told. It is by the fact's
name, for one code may stand for different things: ``none`` as a tranche's roll, as an outcome.
"""

from collections.abc import Mapping

from app.kernel.errors import Text

_BASES = {
    "statutory": Text(en="a legal obligation", nl="een wettelijke verplichting"),
    "cao": Text(en="a collective agreement", nl="een cao"),
    "public_rule": Text(en="a rule of public law", nl="een publiekrechtelijke regeling"),
    "necessary_for_function": Text(en="necessary for the function", nl="nodig voor de functie"),
    "improvement_plan": Text(en="an improvement plan", nl="een verbetertraject"),
    "voluntary": Text(en="voluntary", nl="vrijwillig"),
    "unknown": Text(en="unknown", nl="onbekend"),
}
_CRITERIA = {
    "legal_and_function": Text(
        en="legal and function requirements", nl="wettelijke en functie-eisen"
    ),
    "organisation_goals": Text(en="goals of the organisation", nl="doelen van de organisatie"),
    "team_and_function": Text(en="team and function", nl="team en functie"),
    "individual_development": Text(en="individual development", nl="individuele ontwikkeling"),
    "efficiency_and_feasibility": Text(
        en="efficiency and feasibility", nl="doelmatigheid en uitvoerbaarheid"
    ),
}
_ROLES = {
    "employee": Text(en="employee", nl="medewerker"),
    "manager": Text(en="manager", nl="leidinggevende"),
    "hr": Text(en="HR", nl="HR"),
    "mt": Text(en="the MT", nl="het MT"),
    "knowledge_broker": Text(en="knowledge broker", nl="kennismakelaar"),
    "fund_officer": Text(en="fund officer", nl="fondsmedewerker"),
    "adviser": Text(en="adviser", nl="adviseur"),
    "auditor": Text(en="auditor", nl="auditor"),
    "admin": Text(en="administrator", nl="beheerder"),
    "hris": Text(en="the HRIS", nl="het personeelssysteem"),
}
_STATUSES = {
    "draft": Text(en="draft", nl="concept"),
    "submitted": Text(en="submitted", nl="ingediend"),
    "under_assessment": Text(en="under assessment", nl="in beoordeling"),
    "proposed": Text(en="proposed", nl="voorgedragen"),
    "granted": Text(en="granted", nl="toegekend"),
    "partly_granted": Text(en="partly granted", nl="deels toegekend"),
    "deferred": Text(en="deferred", nl="aangehouden"),
    "rejected": Text(en="rejected", nl="afgewezen"),
    "withdrawn": Text(en="withdrawn", nl="ingetrokken"),
    "cancelled": Text(en="cancelled", nl="geannuleerd"),
    "completed": Text(en="completed", nl="afgerond"),
    "decided": Text(en="decided", nl="besloten"),
    "required": Text(en="required", nl="vereist"),
    "drawn_up": Text(en="drawn up", nl="opgesteld"),
    "signed_by_employee": Text(en="signed by the employee", nl="getekend door de medewerker"),
    "signed": Text(en="signed", nl="getekend"),
    "void": Text(en="void", nl="vervallen"),
    "superseded": Text(en="superseded", nl="vervangen"),
    "awaiting_confirmation": Text(en="awaiting confirmation", nl="wacht op bevestiging"),
    "due": Text(en="due", nl="verschuldigd"),
    "waived": Text(en="waived", nl="kwijtgescholden"),
    "exported": Text(en="exported to payroll", nl="overgedragen aan de salarisadministratie"),
    "open": Text(en="open", nl="open"),
    "settled": Text(en="settled", nl="afgerekend"),
    "released": Text(en="released", nl="vrijgevallen"),
}
_ACTIONS = {
    "change": Text(en="change", nl="wijzigen"),
    "endorse": Text(en="endorse", nl="instemmen"),
    "submit": Text(en="submit", nl="indienen"),
    "consent": Text(en="consent", nl="toestemmen"),
    "refuse": Text(en="refuse", nl="weigeren"),
    "assess": Text(en="assess", nl="beoordelen"),
    "propose": Text(en="propose", nl="voordragen"),
    "take_back": Text(en="take back", nl="terugnemen"),
    "grant": Text(en="grant", nl="toekennen"),
    "grant_partly": Text(en="grant partly", nl="deels toekennen"),
    "defer": Text(en="defer", nl="aanhouden"),
    "reject": Text(en="reject", nl="afwijzen"),
    "withdraw": Text(en="withdraw", nl="intrekken"),
    "cancel": Text(en="cancel", nl="annuleren"),
    "complete": Text(en="complete", nl="afronden"),
    "draw_up": Text(en="draw up", nl="opstellen"),
    "sign_as_employee": Text(en="sign as the employee", nl="tekenen als medewerker"),
    "sign_as_manager": Text(en="sign as the manager", nl="tekenen als leidinggevende"),
    "void": Text(en="declare void", nl="vervallen verklaren"),
    "supersede": Text(en="supersede", nl="vervangen"),
    "confirm": Text(en="confirm", nl="bevestigen"),
    "waive": Text(en="waive", nl="kwijtschelden"),
    "export": Text(en="hand over to payroll", nl="overdragen aan de salarisadministratie"),
}
_OUTCOMES = {
    **{name: _STATUSES[name] for name in ("granted", "partly_granted", "deferred", "rejected")},
    "diploma": Text(en="a diploma", nl="een diploma"),
    "mbo_certificate": Text(en="an MBO certificate", nl="een mbo-certificaat"),
    "microcredential": Text(en="a microcredential", nl="een microcredential"),
    "practice_statement": Text(en="a practice statement", nl="een praktijkverklaring"),
    "evc_certificate": Text(en="an EVC certificate", nl="een ervaringscertificaat"),
    "branch_certificate": Text(en="a branch certificate", nl="een branchecertificaat"),
    "none": Text(en="none", nl="geen"),
}
_LEAVING = {
    "resignation": Text(en="resignation", nl="ontslag op eigen verzoek"),
    "end_of_term": Text(en="end of the term", nl="einde van de termijn"),
    "dismissal": Text(en="dismissal", nl="ontslag"),
    "urgent_cause": Text(en="urgent cause", nl="dringende reden"),
    "mutual_consent": Text(en="mutual consent", nl="wederzijds goedvinden"),
    "retirement": Text(en="retirement", nl="pensioen"),
    "death": Text(en="death", nl="overlijden"),
    "long_illness": Text(en="long illness", nl="langdurige ziekte"),
    "unknown": Text(en="unknown", nl="onbekend"),
}
_TRANSFERS = {
    "pending": Text(en="reservation", nl="reservering"),
    "posted": Text(en="posting", nl="boeking"),
    "post": Text(en="posting of a reservation", nl="boeking van een reservering"),
    "void": Text(en="release", nl="vrijval"),
    "reversal": Text(en="reversal", nl="terugboeking"),
}
_UNITS = {
    "minutes": Text(en="minutes", nl="minuten"),
    "cents": Text(en="cents", nl="centen"),
    "places": Text(en="places", nl="plaatsen"),
}

WORDS: Mapping[str, Mapping[str, Text]] = {
    "action": _ACTIONS,
    "allowed_roles": _ROLES,
    "basis": _BASES,
    "credit_unit": _UNITS,
    "criterion": _CRITERIA,
    "debit_unit": _UNITS,
    "missing_criteria": _CRITERIA,
    "outcome": _OUTCOMES,
    "reason": _LEAVING,
    "roles": _ROLES,
    "status": _STATUSES,
    "transfer_kind": _TRANSFERS,
    "unit": _UNITS,
    # What is named twice: criteria, or somebody's identifiers, which stay as they are.
    "values": _CRITERIA,
    "who": {**_ROLES, "applicant": Text(en="the applicant", nl="de aanvrager")},
}
