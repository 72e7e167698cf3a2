"""The form in the frame of every page."""

from django import forms

from accounts.models import User


class ThemeForm(forms.Form):
    """Choose the colour theme."""

    theme = forms.ChoiceField(choices=User.Theme.choices)
