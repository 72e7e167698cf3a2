"""Pages of accounts: sign-in, one's own account, businesses, teams, API keys."""

from accounts.views.businesses import business_create, business_delete, business_edit, business_switch
from accounts.views.keys import key_create, key_revoke, key_rotate, keys, origins
from accounts.views.log import log
from accounts.views.own import close, email_change, own_data, password_change, profile
from accounts.views.sessions import (
    LoginView,
    PasswordResetConfirmView,
    locked_out,
    logout,
    password_reset,
    password_reset_complete,
    password_reset_done,
    register,
)
from accounts.views.team import (
    invitation,
    invitation_accept,
    invitation_revoke,
    invite,
    member_remove,
    member_role,
    team,
    team_leave,
)
from accounts.views.two_factor import login_code, two_factor_settings

__all__ = [
    "LoginView",
    "PasswordResetConfirmView",
    "business_create",
    "business_delete",
    "business_edit",
    "business_switch",
    "close",
    "email_change",
    "invitation",
    "invitation_accept",
    "invitation_revoke",
    "invite",
    "key_create",
    "key_revoke",
    "key_rotate",
    "keys",
    "locked_out",
    "log",
    "login_code",
    "logout",
    "member_remove",
    "member_role",
    "origins",
    "own_data",
    "password_change",
    "password_reset",
    "password_reset_complete",
    "password_reset_done",
    "profile",
    "register",
    "team",
    "team_leave",
    "two_factor_settings",
]
