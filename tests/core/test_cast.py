"""The cast itself: who belongs where."""

from accounts.access import find_access
from accounts.roles import Can, Role


def test_the_cast_has_the_roles_that_it_says(business, owner, admin_member, teammate, viewer):
    roles = {
        user.email: find_access(user, str(business.pk)).role
        for user in (owner, admin_member, teammate, viewer)
    }
    assert list(roles.values()) == [Role.OWNER, Role.ADMIN, Role.AGENT, Role.VIEWER]


def test_a_stranger_has_no_access_to_the_business(business, other_business, stranger):
    access = find_access(stranger, str(business.pk))
    assert access.business == other_business
    assert access.can(Can.DELETE_BUSINESS)


def test_a_signed_in_client_keeps_its_user(client_of, teammate):
    assert client_of(teammate).session["_auth_user_id"] == str(teammate.pk)


def test_the_conversation_belongs_to_the_business(business, conversation, contact, connection, sandbox_phone):
    assert (
        conversation.business_profile == contact.business_profile == connection.business_profile == business
    )
    assert sandbox_phone.number == connection.phone_number
    assert contact.identities.get().value == contact.phone_number


def test_real_processes_get_this_tests_database(process_env, settings):
    from django.db import connection

    assert str(connection.settings_dict["NAME"]) in process_env["DATABASE_URL"]
    assert process_env["WHATSFLOW_HOME"] == str(settings.HOME)
