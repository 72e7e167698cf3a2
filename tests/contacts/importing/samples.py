"""Files as other programs export them, made here so that each test sees what is in them."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Sequence
from typing import Any

from openpyxl import Workbook

GOOGLE_COLUMNS = [
    "First Name", "Middle Name", "Last Name", "Phonetic First Name", "Organization Name", "Birthday", "Notes",
    "Photo", "Labels", "E-mail 1 - Label", "E-mail 1 - Value", "Phone 1 - Label", "Phone 1 - Value",
    "Phone 2 - Label", "Phone 2 - Value", "Address 1 - City",
]  # fmt: skip
OUTLOOK_COLUMNS = [
    "Title", "First Name", "Middle Name", "Last Name", "Suffix", "Company", "Business Phone", "Home Phone",
    "Mobile Phone", "E-mail Address", "Categories", "Notes",
]  # fmt: skip


def csv_bytes(
    rows: Iterable[Sequence[str]], *, delimiter: str = ",", encoding: str = "utf-8", mark: bytes = b""
) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter).writerows(rows)
    return mark + out.getvalue().encode(encoding)


def google() -> bytes:
    return csv_bytes(
        [
            GOOGLE_COLUMNS,
            [
                "Anna", "", "Ängström", "", "Blue Bakery", "1990-01-31", "Likes rye", "", "VIP ::: * myContacts",
                "* Home", "anna@example.com ::: a.angstrom@example.com", "Work", "+44 20 7946 0018", "Mobile",
                "+44 7700 900123 ::: +44 7700 900124", "London",
            ],
            ["Béla", "", "Bartók", "", "", "", "", "", "* myContacts", "", "", "Mobile", "+36 30 123 4567", "", "", ""],
        ]
    )  # fmt: skip


def outlook() -> bytes:
    rows = [
        OUTLOOK_COLUMNS,
        ["Dr.", "Jürgen", "", "Müller", "", "Müller & Söhne", "030 1234567", "", "0151 23456789",
         "jm@example.com", "Kunde;VIP", "spricht\nDeutsch"],
        ["", "Œdipe", "", "Noël", "", "", "", "", "+33 6 12 34 56 78", "", "", ""],
    ]  # fmt: skip
    return csv_bytes(rows, delimiter="\t", encoding="utf-16-le", mark=b"\xff\xfe")


VCARD_3 = b"""BEGIN:VCARD\r
VERSION:3.0\r
N:Lovelace;Ada;King;Lady;\r
FN:Ada Lovelace\r
ORG:Analytical Engines\\, Ltd;Research\r
TEL;TYPE=WORK,VOICE:+44 20 7946 0018\r
TEL;TYPE=FAX:+44 20 7946 0019\r
item1.TEL;TYPE=CELL:+44 7700 900456\r
EMAIL;TYPE=INTERNET;TYPE=HOME:ada@exa\r
 mple.com\r
PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAQSkZJRgABAQ\r
 AAAQABAAD/2wBDAAMCAgICAgMCAgIDAwMDBAYEBAQEBAgGBgUGCQgKCgkICQkKDA8MCgsOCwkJ\r
CATEGORIES:VIP,Friends\r
NOTE:First line\\nsecond\\; line\r
BDAY:1815-12-10\r
END:VCARD\r
"""
VCARD_4 = """BEGIN:VCARD
VERSION:4.0
FN:Żółty Kowalski
N:Kowalski;Żółty;;;
TEL;VALUE=uri;TYPE="voice,home":tel:+48-22-123-45-67;ext=102
TEL;VALUE=uri;PREF=1;TYPE="voice,cell":tel:+48-601-234-567
EMAIL;PREF=1:zolty@example.com
END:VCARD
BEGIN:VCARD
VERSION:4.0
FN:Second
TEL:+48601234568
END:VCARD
""".encode()
VCARD_21 = (
    b"BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BCller;J=C3=BC=\r\nrgen;;;\r\n"
    b"TEL;CELL;PREF:+4915123456789\r\nTEL;WORK;FAX:+49301234567\r\nEND:VCARD\r\n"
)


def xlsx(*rows: Sequence[Any], sheets: Sequence[str] = ("Sheet1",)) -> bytes:
    book = Workbook()
    book.remove(book.worksheets[0])
    for title in sheets:
        sheet = book.create_sheet(title)
        for row in rows if title == sheets[0] else [["other"]]:
            sheet.append(list(row))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def repacked(archive: bytes, **parts: bytes) -> bytes:
    """An XLSX in which these parts (sheet, strings, workbook) have other contents."""
    names = {
        "sheet": "xl/worksheets/sheet1.xml",
        "strings": "xl/sharedStrings.xml",
        "workbook": "xl/workbook.xml",
        "extra": "xl/media/image1.bin",
    }
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(archive)) as source,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        changed = {names[key]: content for key, content in parts.items()}
        for name in source.namelist():
            target.writestr(name, changed.pop(name, source.read(name)))
        for name, content in changed.items():
            target.writestr(name, content)
    return out.getvalue()
