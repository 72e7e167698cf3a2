"""URLs of accounts, businesses, teams and API keys."""

from django.urls import path

from accounts import views

app_name = "accounts"

urlpatterns = [
    path("login/", views.LoginView.as_view(), name="login"),
    path("login/code/", views.login_code, name="login_code"),
    path("logout/", views.logout, name="logout"),
    path("register/", views.register, name="register"),
    path("password/", views.password_change, name="password_change"),
    path("password/reset/", views.password_reset, name="password_reset"),
    path("password/reset/sent/", views.password_reset_done, name="password_reset_done"),
    path(
        "password/reset/<uidb64>/<token>/",
        views.PasswordResetConfirmView.as_view(),
        name="password_reset_confirm",
    ),
    path("password/reset/complete/", views.password_reset_complete, name="password_reset_complete"),
    path("profile/", views.profile, name="profile"),
    path("profile/data/", views.own_data, name="own_data"),
    path("profile/close/", views.close, name="close"),
    path("second-step/", views.two_factor_settings, name="second_step"),
    path("email/", views.email_change, name="email_change"),
    path("businesses/new/", views.business_create, name="business_create"),
    path("businesses/edit/", views.business_edit, name="business_edit"),
    path("businesses/log/", views.log, name="log"),
    path("businesses/delete/", views.business_delete, name="business_delete"),
    path("businesses/switch/", views.business_switch, name="business_switch"),
    path("team/", views.team, name="team"),
    path("team/invite/", views.invite, name="invite"),
    path("team/leave/", views.team_leave, name="team_leave"),
    path("team/<uuid:membership_id>/role/", views.member_role, name="member_role"),
    path("team/<uuid:membership_id>/remove/", views.member_remove, name="member_remove"),
    path("keys/", views.keys, name="keys"),
    path("keys/new/", views.key_create, name="key_create"),
    path("keys/origins/", views.origins, name="origins"),
    path("keys/<uuid:key_id>/rotate/", views.key_rotate, name="key_rotate"),
    path("keys/<uuid:key_id>/revoke/", views.key_revoke, name="key_revoke"),
    path("invitation/", views.invitation, name="invitation"),
    path("invitations/<uuid:invitation_id>/revoke/", views.invitation_revoke, name="invitation_revoke"),
    path("invitations/<str:token>/", views.invitation_accept, name="invitation_accept"),
]
