"""What comes in from other systems, over HTTP."""

from app.integrations.hris.router import router as employee_imports
from app.integrations.request_imports.router import router as request_imports

__all__ = ["employee_imports", "request_imports"]
