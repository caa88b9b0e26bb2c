"""What the ledger refuses.

An area that knows what its account means refuses in its own words before, or instead.
"""

from uuid import UUID

from app.kernel.errors import Kind, NotFound, Refusal, Text


class LimitExceeded(Refusal):
    """More is asked of a limited account than it has room for; figures in the account's unit.

    An area catches this one, and its own refusal says what the account is.
    """

    slug = "limit-exceeded"
    title = Text(en="More than there is room for", nl="Meer dan er ruimte is")
    detail = Text(
        en="{asked_places} places are asked; there is room for {room_places}.",
        nl="Gevraagd zijn {asked_places} plaatsen; er is ruimte voor {room_places}.",
    )
    remedy = Text(
        en="Ask less, or have the limit raised first.",
        nl="Vraag minder, of laat eerst de grens verhogen.",
    )

    def __init__(self, *, account_id: UUID, room: int, asked: int, unit: str = "places") -> None:
        super().__init__(account_id=account_id)
        self.facts |= {f"room_{unit}": room, f"asked_{unit}": asked}
        self.account_id = account_id
        self.room = room
        self.asked = asked


class MinutesExceeded(LimitExceeded):
    slug = "minutes-exceeded"
    title = Text(en="More hours than there is room for", nl="Meer uren dan er ruimte is")
    detail = Text(
        en="{asked_minutes} are asked; there is room for {room_minutes}.",
        nl="Gevraagd is {asked_minutes}; er is ruimte voor {room_minutes}.",
    )

    def __init__(self, *, account_id: UUID, room: int, asked: int) -> None:
        super().__init__(account_id=account_id, room=room, asked=asked, unit="minutes")


class CentsExceeded(LimitExceeded):
    slug = "cents-exceeded"
    title = Text(en="More money than there is room for", nl="Meer geld dan er ruimte is")
    detail = Text(
        en="{asked_cents} is asked; there is room for {room_cents}.",
        nl="Gevraagd is {asked_cents}; er is ruimte voor {room_cents}.",
    )

    def __init__(self, *, account_id: UUID, room: int, asked: int) -> None:
        super().__init__(account_id=account_id, room=room, asked=asked, unit="cents")


class LedgerKeyReused(Refusal):
    slug = "ledger-key-reused"
    title = Text(en="Recorded before as something else", nl="Eerder vastgelegd als iets anders")
    detail = Text(
        en="Under the key {key} another transfer stands already.",
        nl="Onder de sleutel {key} staat al een andere boeking.",
    )
    remedy = Text(
        en="Read what was recorded; correct it by a reversal and record anew.",
        nl="Lees wat is vastgelegd; corrigeer het met een tegenboeking en leg opnieuw vast.",
    )


class PendingAlreadyResolved(Refusal):
    slug = "pending-already-resolved"
    title = Text(en="Reservation already settled", nl="Reservering al afgehandeld")
    detail = Text(
        en="This reservation was posted or released before; that happens once.",
        nl="Deze reservering is al geboekt of vrijgegeven; dat gebeurt eenmaal.",
    )
    remedy = Text(
        en="Read how it was settled; what was posted can be corrected by a reversal.",
        nl="Lees hoe zij is afgehandeld; corrigeer wat is geboekt met een tegenboeking.",
    )


class AlreadyReversed(Refusal):
    slug = "already-reversed"
    title = Text(en="Already reversed", nl="Al teruggeboekt")
    detail = Text(
        en="This transfer was reversed before; that happens once.",
        nl="Deze boeking is al teruggeboekt; dat gebeurt eenmaal.",
    )
    remedy = Text(
        en="Read the reversal, and record anew what should stand.",
        nl="Lees de tegenboeking, en leg opnieuw vast wat er moet staan.",
    )


class PostingBeyondPending(Refusal):
    """More would be posted than was reserved; figures in ``unit``."""

    slug = "posting-beyond-pending"
    title = Text(en="More than was reserved", nl="Meer dan gereserveerd")
    detail = Text(
        en="{asked} is to be posted of a reservation of {pending} ({unit}).",
        nl="Er zou {asked} worden geboekt op een reservering van {pending} ({unit}).",
    )
    remedy = Text(
        en="Post at most what was reserved, and record the rest by itself.",
        nl="Boek ten hoogste wat is gereserveerd, en leg de rest apart vast.",
    )


class TransferNotFound(NotFound):
    slug = "transfer-not-found"
    title = Text(en="No such transfer", nl="Geen boeking met dit kenmerk")


class TransferUnfit(Refusal):
    slug = "transfer-unfit"
    title = Text(en="Not a transfer of that kind", nl="Geen boeking van die soort")
    detail = Text(
        en=(
            "The transfer is of the kind {transfer_kind}; only a reservation is posted or released,"
            " and only what is posted is reversed."
        ),
        nl=(
            "De boeking is van de soort {transfer_kind}; alleen een reservering wordt geboekt of"
            " vrijgegeven, en alleen wat geboekt is wordt teruggeboekt."
        ),
    )
    remedy = Text(
        en="Name the reservation, or the posting, that is meant.",
        nl="Noem de reservering, of de boeking, die bedoeld is.",
    )


class AccountNotFound(NotFound):
    slug = "account-not-found"
    title = Text(en="No such account", nl="Geen rekening met dit kenmerk")


class UnitsDiffer(Refusal):
    slug = "units-differ"
    kind = Kind.CONFLICT
    title = Text(en="Accounts of different units", nl="Rekeningen met verschillende eenheden")
    detail = Text(
        en="One account counts {debit_unit}, the other {credit_unit}.",
        nl="De ene rekening telt {debit_unit}, de andere {credit_unit}.",
    )
    remedy = Text(
        en="Move between accounts of one unit.",
        nl="Boek tussen rekeningen met dezelfde eenheid.",
    )


class AccountDiffers(Refusal):
    slug = "account-differs"
    title = Text(en="Opened before, otherwise", nl="Eerder geopend, maar anders")
    detail = Text(
        en=(
            "The account {account_kind} of this owner and period stands open with another"
            " {differing}."
        ),
        nl=(
            "De rekening {account_kind} van deze eigenaar en periode is al geopend, maar verschilt"
            " in {differing}."
        ),
    )
    remedy = Text(
        en="Use the account as it is; only its limit can be set later.",
        nl="Gebruik de rekening zoals zij is; alleen de grens kan later worden gesteld.",
    )
