"""URLs of contacts."""

from django.urls import path

from contacts.views import card, pages, settings

app_name = "contacts"

urlpatterns = [
    path("", pages.index, name="list"),
    path("total/", pages.total, name="total"),
    path("columns/", pages.choose_columns, name="columns"),
    path("new/", pages.create, name="create"),
    path("bulk/", pages.act, name="bulk"),
    path("segments/", pages.segment_save, name="segment_save"),
    path("segments/<uuid:segment_id>/delete/", pages.segment_delete, name="segment_delete"),
    path("tags/", settings.tag_list, name="tags"),
    path("tags/<uuid:tag_id>/", settings.tag_edit, name="tag_edit"),
    path("tags/<uuid:tag_id>/merge/", settings.tag_merge, name="tag_merge"),
    path("tags/<uuid:tag_id>/delete/", settings.tag_delete, name="tag_delete"),
    path("fields/", settings.field_list, name="fields"),
    path("fields/<uuid:field_id>/", settings.field_edit, name="field_edit"),
    path("fields/<uuid:field_id>/move/", settings.field_move, name="field_move"),
    path("fields/<uuid:field_id>/delete/", settings.field_delete, name="field_delete"),
    path("rules/", settings.rule_list, name="rules"),
    path("rules/new/", settings.rule_create, name="rule_create"),
    path("rules/<uuid:rule_id>/run/", settings.rule_run, name="rule_run"),
    path("rules/<uuid:rule_id>/switch/", settings.rule_switch, name="rule_switch"),
    path("rules/<uuid:rule_id>/delete/", settings.rule_delete, name="rule_delete"),
    path("consent/", settings.consent_words, name="consent_words"),
    path("notes/<uuid:note_id>/", card.note_edit, name="note_edit"),
    path("notes/<uuid:note_id>/delete/", card.note_delete, name="note_delete"),
    path("<uuid:contact_id>/", card.detail, name="detail"),
    path("<uuid:contact_id>/edit/", card.edit, name="edit"),
    path("<uuid:contact_id>/side/", card.side, name="side"),
    path("<uuid:contact_id>/past/", card.past, name="past"),
    path("<uuid:contact_id>/tags/", card.tag, name="tag"),
    path("<uuid:contact_id>/tags/<uuid:tag_id>/remove/", card.untag, name="untag"),
    path("<uuid:contact_id>/notes/", card.note, name="note"),
    path("<uuid:contact_id>/consent/", card.opt, name="opt"),
    path("<uuid:contact_id>/block/", card.block, name="block"),
    path("<uuid:contact_id>/merge/", card.merge, name="merge"),
    path("<uuid:contact_id>/personal-data/", card.hand_over, name="hand_over"),
    path("<uuid:contact_id>/delete/", card.delete, name="delete"),
]
