"""Personas of the sandbox's customers: opening messages, answers and reading delays.

All times are seconds at speed 1.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """One message. after: pause before typing begins. picture: sent with a picture and `text` as caption."""

    text: str
    after: float = 1.0
    picture: bool = False

    @property
    def typing(self) -> float:
        """Duration of typing."""
        return min(6.0, 0.8 + len(self.text) / 25)


@dataclass(frozen=True)
class Rule:
    """Answers to a message of the business that matches `pattern`; one of them is chosen at random."""

    pattern: str
    answers: tuple[tuple[Line, ...], ...]


@dataclass(frozen=True)
class Persona:
    """Behaviour of a customer.

    script: answers to the first, second, … message of the business; after that `rules`, then `otherwise`.
    reads: range of the delay between delivery and reading; None: never reads.
    reveals_at: index of the answer with which the phone number becomes known (customers who write from a LID).
    """

    key: str
    name: str
    opening: tuple[Line, ...] = ()
    script: tuple[tuple[Line, ...], ...] = ()
    rules: tuple[Rule, ...] = ()
    otherwise: tuple[tuple[Line, ...], ...] = ()
    reads: tuple[float, float] | None = (2.0, 6.0)
    hides_number: bool = False
    reveals_at: int | None = None

    def answer(self, step: int, text: str, rng: random.Random) -> tuple[Line, ...]:
        """Return the answer to `text`, message number `step` (from 0) of the business; may be empty."""
        if step < len(self.script):
            return self.script[step]
        for rule in self.rules:
            if re.search(rule.pattern, text, re.IGNORECASE):
                return rng.choice(rule.answers)
        return rng.choice(self.otherwise) if self.otherwise else ()


def _says(*texts: str) -> tuple[Line, ...]:
    return tuple(Line(text) for text in texts)


GREETER = Persona(
    key="greeter",
    name="Ana Souza",
    opening=_says("Hi! Are you open today?"),
    script=(
        _says("Perfect, thank you 😊", "Then I'll come by this afternoon."),
        _says("See you later!"),
    ),
    otherwise=(_says("👍"), _says("Great, thanks!"), _says("Thank you!")),
)

ASKER = Persona(
    key="asker",
    name="Tom Becker",
    opening=(
        Line("Hello, I have a question about the blue one in your shop window."),
        Line("What does it cost, and can you deliver to Hamburg?", after=2.0),
    ),
    script=(
        _says("That sounds fair. How long does delivery take?"),
        (Line("Good. I'd take two then."), Line("Can I pay by card?", after=1.5)),
        _says("Great, please send me the link."),
    ),
    otherwise=(_says("Understood, thanks."), _says("All right. I'll let you know tomorrow.")),
)

SENDER = Persona(
    key="sender",
    name="Priya Nair",
    opening=(
        Line("Good morning, my parcel arrived like this 😕"),
        Line("The corner is completely crushed", after=1.5, picture=True),
    ),
    script=(
        _says("The order number is 10482.", "The cup inside is fine, only the plate is broken."),
        _says("A new plate would be lovely, thank you so much!"),
    ),
    otherwise=(_says("Thank you for sorting this out 🙏"),),
)

LATE = Persona(
    key="late",
    name="Lukas Meier",
    opening=_says("Could you send me the opening hours for the holidays? No hurry."),
    script=(_says("Sorry, only saw this now. Thanks!"),),
    reads=(45.0, 90.0),
)

SILENT = Persona(
    key="silent",
    name="Maria Rossi",
    opening=_says("Please call me back about the invoice when you can."),
    reads=None,
)

LEAVER = Persona(
    key="leaver",
    name="Jo Miller",
    opening=(Line("I keep getting your offers but I moved away last year."), Line("STOP", after=3.0)),
    script=(_says("Thanks."),),
)

PRIVATE = Persona(
    key="private",
    name="Noor",
    opening=_says("Hey, a friend recommended you. Do you do birthday cakes?"),
    script=(
        _says("Nice! Chocolate, for twelve people, on Saturday 🎂"),
        _says("You can reach me on this number for the details."),
    ),
    otherwise=(_says("Lovely, thank you!"),),
    hides_number=True,
    reveals_at=1,
)

CHATTY = Persona(
    key="chatty",
    name="Sofia Lindgren",
    opening=(
        Line("Heyy, it's me again 🙈"),
        Line("I was just passing your shop and everything looked so good", after=1.0),
        Line("Do you still have the cinnamon ones?", after=1.5),
    ),
    rules=(
        Rule(
            r"\b(hi|hello|hey|good (morning|afternoon|evening))\b",
            (_says("Hello hello! How are you today?"), _says("Hi there 😄", "So good to hear from you")),
        ),
        Rule(
            r"\b(price|cost|euro|eur|\$|€|£|\d+[.,]\d\d)",
            (
                _says("Oh that's less than I thought!", "Then I'll take six 😋"),
                _says("Hmm, is there a discount for a dozen?"),
            ),
        ),
        Rule(
            r"\b(sorry|unfortunately|sold out|no longer|closed)\b",
            (
                _says("Oh no 😢", "When will you have them again?"),
                _says("That's all right, maybe next time then!"),
            ),
        ),
        Rule(
            r"\b(thank|thanks|welcome)\b",
            (_says("You're the best ❤️"), _says("No, thank YOU 😄")),
        ),
        Rule(
            r"\b(bye|see you|later|good night)\b",
            (_says("Byeee 👋"), _says("See you soon!")),
        ),
        Rule(
            r"\?\s*$",
            (
                _says("Let me think…", "Yes, I'd say so!"),
                _says("Good question. What would you recommend?"),
                _says("Tomorrow around four would be perfect."),
            ),
        ),
    ),
    otherwise=(
        _says("Haha yes", "I'll tell my sister, she will love that"),
        _says("Wonderful!!"),
        _says("Mhm", "And is it possible to put some aside for me?"),
        _says("Okay, noted 📝"),
    ),
    reads=(1.0, 3.0),
)

QUIET = Persona(key="quiet", name="Quiet customer")
"""Reads messages; writes only what a user writes for them on the sandbox's phone page."""

PERSONAS = {
    persona.key: persona for persona in (GREETER, ASKER, SENDER, LATE, SILENT, LEAVER, PRIVATE, CHATTY, QUIET)
}

OPENING_CAST = (
    (GREETER, 1.0),
    (CHATTY, 4.0),
    (ASKER, 8.0),
    (SENDER, 12.0),
    (PRIVATE, 16.0),
    (LATE, 20.0),
    (LEAVER, 24.0),
    (SILENT, 28.0),
)
"""Personas that write to a phone linked for the first time, with the delay of each."""

NAMES = (
    "Alex Kim",
    "Bea Novak",
    "Chidi Okafor",
    "Dana Levi",
    "Emil Larsen",
    "Fatima Zahra",
    "Gil Torres",
    "Hana Sato",
)
"""Names of customers created when the business writes to an unknown number."""


def persona(key: str) -> Persona:
    """Return the persona of a key; QUIET if unknown."""
    return PERSONAS.get(key, QUIET)
