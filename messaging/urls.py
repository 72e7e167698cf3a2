"""URLs of the inbox."""

from django.urls import path

from messaging import views

app_name = "messaging"

urlpatterns = [
    path("", views.inbox, name="inbox"),
    path("start/", views.start, name="start"),
    path("upload/", views.upload, name="upload"),
    path("replies/", views.reply_list, name="replies"),
    path("replies/<uuid:reply_id>/", views.reply_edit, name="reply_edit"),
    path("replies/<uuid:reply_id>/delete/", views.reply_delete, name="reply_delete"),
    path("media/<uuid:media_id>/", views.media, name="media"),
    path("media/<uuid:media_id>/thumbnail/", views.thumbnail, name="thumbnail"),
    path("messages/<uuid:message_id>/retry/", views.retry, name="retry"),
    path("messages/<uuid:message_id>/cancel/", views.cancel, name="cancel"),
    path("<uuid:conversation_id>/", views.conversation, name="conversation"),
    path("<uuid:conversation_id>/messages/", views.messages, name="messages"),
    path("<uuid:conversation_id>/send/", views.send, name="send"),
    path("<uuid:conversation_id>/read/", views.read, name="read"),
    path("<uuid:conversation_id>/draft/", views.draft, name="draft"),
    path("<uuid:conversation_id>/typing/", views.typing, name="typing"),
    path("<uuid:conversation_id>/assign/", views.assign, name="assign"),
    path("<uuid:conversation_id>/state/", views.state, name="state"),
    path("<uuid:conversation_id>/replies/", views.offered, name="offered"),
    path("<uuid:conversation_id>/contact/", views.contact, name="contact"),
]
