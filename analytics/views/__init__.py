"""The pages of analytics: home, and the figures."""

from analytics.views.home import home, theme
from analytics.views.pages import campaigns, contacts, export, overview, report

__all__ = ["campaigns", "contacts", "export", "home", "overview", "report", "theme"]
