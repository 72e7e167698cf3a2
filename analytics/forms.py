"""The shape of what the frame of a page sends."""

from django import forms

from accounts.models import User


class ThemeForm(forms.Form):
    """The choice of colours."""

    theme = forms.ChoiceField(choices=User.Theme.choices)
