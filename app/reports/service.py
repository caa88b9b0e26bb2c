"""Reports: read-only views over what the areas did."""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import RowMapping

from app.db.chain import ChainHead, chain_head
from app.db.work import Work
from app.kernel.pages import Page, PageOf, take
from app.reports.repository import ReportRepository
from app.reports.rules import AuditFilter


class ReportService:
    def __init__(self, work: Work) -> None:
        self._work = work
        self._reports = ReportRepository(work.session, work.organisation_id)

    async def audit_entries(self, asked: AuditFilter, page: PageOf) -> Page[dict[str, Any]]:
        """Return the audit entries asked for, the newest first."""
        rows = await self._reports.audit_entries(asked, page)
        found = take(rows, page, key=_key)
        return Page(items=[_entry(row) for row in found.items], next_key=found.next_key)

    async def audit_head(self) -> ChainHead:
        """Return the end of the chain that seals the trail, as it is now."""
        return await chain_head(self._work.session, self._work.organisation_id)


def _key(row: RowMapping) -> tuple[str, str]:
    return row["recorded_at"].isoformat(), str(row["id"])


def _entry(row: RowMapping) -> dict[str, Any]:
    entry = {str(name): value for name, value in row.items()}
    before: Mapping[str, Any] = entry.pop("before") or {}
    after: Mapping[str, Any] = entry.pop("after") or {}
    entry["correlation_id"] = entry.pop("request_id")
    entry["changes"] = [
        {"field": field, "before": _written(before, field), "after": _written(after, field)}
        for field in sorted({*before, *after})
        if before.get(field) != after.get(field) or (field in before) != (field in after)
    ]
    return entry


def _written(values: Mapping[str, Any], field: str) -> str | None:
    if values.get(field) is None:
        return None
    return json.dumps(values[field], ensure_ascii=False, sort_keys=True)
