"""What comes in from other systems, over HTTP."""

from app.integrations.hris.router import router as employee_imports

__all__ = ["employee_imports"]
