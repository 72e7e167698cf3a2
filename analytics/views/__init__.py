"""The home page and the analytics pages."""

from analytics.views.home import home, theme
from analytics.views.pages import campaigns, contacts, export, overview, report

__all__ = ["campaigns", "contacts", "export", "home", "overview", "report", "theme"]
