"""Proofs outlive their contact, imports are remembered, and what undoing many at once needs has a wider shape."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import OuterRef, Subquery


def name_owners(apps, schema_editor):
    """Whose number it is that has opted out, as far as the contact is still there."""
    identities = apps.get_model("contacts", "ContactIdentity").objects.filter(
        business_profile=OuterRef("business_profile"), kind=OuterRef("kind"), value=OuterRef("value")
    )
    apps.get_model("contacts", "Suppression").objects.update(
        contact_id=Subquery(identities.values("contact_id")[:1])
    )


def forget_orphans(apps, schema_editor):
    """Going back, a proof has to have its contact."""
    apps.get_model("contacts", "ConsentProof").objects.filter(contact=None).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("contacts", "0006_groups_and_created"),
        ("jobs", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="suppression",
            name="contact_id",
            field=models.UUIDField(help_text="Who had it at last; that contact may be deleted.", null=True),
        ),
        migrations.RunPython(name_owners, migrations.RunPython.noop),
        migrations.AddField(
            model_name="consentproof",
            name="gone_contact_id",
            field=models.UUIDField(
                help_text="Whose it was, when that contact is deleted: Suppression.contact_id.", null=True
            ),
        ),
        migrations.AlterField(
            model_name="consentproof",
            name="contact",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="consents",
                to="contacts.contact",
            ),
        ),
        migrations.RunPython(migrations.RunPython.noop, forget_orphans),
        migrations.AlterField(
            model_name="consentproof",
            name="kind",
            field=models.CharField(
                choices=[("opt_out", "Opted out"), ("again", "Said so again"), ("opt_in", "Opted in")],
                max_length=10,
            ),
        ),
        migrations.AddIndex(
            model_name="consentproof",
            index=models.Index(
                condition=models.Q(("gone_contact_id__isnull", False)),
                fields=["gone_contact_id"],
                name="contact_consents_gone",
            ),
        ),
        migrations.AddField(
            model_name="contactimport",
            name="began_at",
            field=models.DateTimeField(
                blank=True,
                help_text="When it was started, and created_at of every contact who came by it.",
                null=True,
            ),
        ),
        migrations.CreateModel(
            name="ImportedContact",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "contact_id",
                        "source_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("created_at", models.DateTimeField()),
                (
                    "contact",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="imported",
                        to="contacts.contact",
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="contacts.contactimport",
                    ),
                ),
            ],
            options={"db_table": "imported_contacts"},
        ),
        migrations.DeleteModel(name="BulkChange"),
        migrations.CreateModel(
            name="BulkChange",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "job_id",
                        "contact_id",
                        "target_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("contact_id", models.UUIDField()),
                ("target_id", models.UUIDField()),
                (
                    "job",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="jobs.job",
                    ),
                ),
            ],
            options={"db_table": "contact_bulk_changes"},
        ),
    ]
