"""The session runner's view of messaging: `connections.ports.Mailbox`, each method done by the service of its noun."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from connections import leases
from connections.drivers.base import Ack, Chat, Event, MediaBlob, OutgoingMessage
from connections.ports import Claimed, InFlight, Lease, MediaJob, Outcome, PictureJob, ReadReceipt
from messaging.inbound import media_jobs, profile_pictures, receiver
from messaging.outbox import dispatch, holds
from messaging.services import read_receipts, typing


class MessagingMailbox:
    """See the protocol for what each method promises."""

    def receive(self, lease: Lease, events: Sequence[Event]) -> int:
        return receiver.receive(lease, events)

    def receive_again(self, connection_id: UUID, events: Sequence[Event]) -> None:
        receiver.receive_again(connection_id, events)

    def claim(self, lease: Lease, limit: int) -> list[Claimed]:
        return dispatch.claim(lease, limit)

    def begin(self, lease: Lease, claimed: Claimed, wa_id: str) -> OutgoingMessage | None:
        begun = dispatch.begin(lease, [replace(claimed, wa_id=claimed.wa_id or wa_id)])
        return begun[0][1] if begun else None

    def begin_all(self, lease: Lease, claimed: Sequence[Claimed]) -> list[tuple[Claimed, OutgoingMessage]]:
        return dispatch.begin(lease, claimed)

    def settle(self, lease: Lease, message_id: UUID, outcome: Outcome) -> None:
        dispatch.settle(lease, [(message_id, outcome)])

    def settle_all(self, lease: Lease, outcomes: Sequence[tuple[UUID, Outcome]]) -> None:
        dispatch.settle(lease, outcomes)

    def release(self, lease: Lease, claimed: Sequence[Claimed]) -> None:
        dispatch.release(lease, claimed)

    def in_flight(self, lease: Lease) -> list[InFlight]:
        return dispatch.in_flight(lease)

    def reconcile(self, lease: Lease, message: InFlight, ack: Ack | None) -> None:
        dispatch.reconcile(lease, message, ack)

    def seconds_until_due(self, lease: Lease) -> float | None:
        return dispatch.seconds_until_due(lease)

    def media_wanted(self, lease: Lease, limit: int) -> list[MediaJob]:
        return media_jobs.jobs(lease, limit)

    def store_media(self, lease: Lease, job: MediaJob, blob: MediaBlob) -> None:
        media_jobs.store(lease, job, blob)

    def media_failed(self, lease: Lease, job: MediaJob, code: str, permanent: bool) -> None:
        media_jobs.failed(lease, job, code, permanent)

    def receipts_wanted(self, lease: Lease, limit: int) -> list[ReadReceipt]:
        return read_receipts.wanted(lease, limit)

    def receipt_done(self, lease: Lease, receipt: ReadReceipt) -> None:
        read_receipts.done(lease, receipt)

    def typing(self, lease: Lease) -> list[Chat]:
        return typing.of(lease.connection_id)

    def picture_wanted(self, lease: Lease) -> PictureJob | None:
        return profile_pictures.wanted(lease)

    def store_picture(self, lease: Lease, job: PictureJob, blob: MediaBlob | None) -> None:
        profile_pictures.store(lease, job, blob)

    def picture_failed(self, lease: Lease, job: PictureJob) -> None:
        profile_pictures.failed(lease, job)

    def waiting_numbers(self) -> set[UUID]:
        return holds.waiting_numbers()

    def newest_message_at(self, lease: Lease) -> datetime | None:
        return receiver.newest_message_at(leases.check(lease))
