"""What endpoints ask for: the work, the page, the versions expected, the headers of an answer."""

from typing import Annotated

from fastapi import Depends, Request, Response

from app.db.work import Work
from app.http.operation import BASE_PATH
from app.http.pagination import link_next, paging
from app.http.preconditions import if_match
from app.kernel.pages import PageOf


async def current_work(request: Request) -> Work:
    """Return the unit of work that TransactionalRoute opened for this request."""
    work: Work = request.state.work
    return work


def tag(response: Response, version: int) -> None:
    """Set the ETag of a resource at this version."""
    response.headers["ETag"] = f'"{version}"'


def locate(response: Response, path: str) -> None:
    """Set the Location of what was made; ``path`` is without the base path, as ``/requests/1``."""
    response.headers["Location"] = BASE_PATH + path


CurrentWork = Annotated[Work, Depends(current_work)]
ExpectedVersions = Annotated[frozenset[int] | None, Depends(if_match)]
Paging = Annotated[PageOf, Depends(paging)]

__all__ = [
    "BASE_PATH",
    "CurrentWork",
    "ExpectedVersions",
    "Paging",
    "current_work",
    "link_next",
    "locate",
    "tag",
]
