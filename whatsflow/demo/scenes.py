"""Texts of the demo's conversations: short dialogues of a ceramics shop."""

from __future__ import annotations

import random
from dataclasses import dataclass

PICTURE = "[picture]"


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split("|"))


ITEMS = _words(
    "blue bowl|speckled mug|olive plate|ramen bowl|white vase|tall jug|espresso cup|serving platter|butter dish|"
    "teapot|salt cellar|soup bowl|cake stand|sugar pot|candle holder|flower pot|salad bowl|breakfast set|oil bottle|"
    "spoon rest"
)
COLOURS = _words("blue|sage|sand|white|charcoal|terracotta|mustard|plum|turquoise|cream")
CITIES = _words(
    "Lisbon|Porto|Hamburg|Lyon|Dublin|Kraków|Valencia|Bologna|Aarhus|Ghent|Graz|Bergen|Bristol|Utrecht"
)
DAYS = _words("Monday|Tuesday|Wednesday|Thursday|Friday|Saturday")

_TEXTS = """
< Hi! Is the {item} in {colour} still available?
> Hello! Yes, we have {count} of the {item} left in {colour}.
< Great, can you keep one for me until {day}?
> Done. It is behind the counter under your name.
< Thank you so much 😊
---
< Hello, where is my order {order}?
> Good {time}! Let me look it up.
> It left our workshop yesterday and should be in {city} on {day}.
< Perfect, thanks
---
< Good {time}, do you ship to {city}?
> We do! Shipping to {city} is {price} € and takes three to four days.
< And for two pieces of the {item}?
> The same. We pack them together.
< Then I will take two.
> Wonderful, here is the summary: 2 × {item}, {colour}, {total} €. Shall I send a payment link?
< Yes please
---
< [picture] My {item} arrived with a chip in the rim 😕 Order {order}
> Oh no, I am sorry! Thank you for the picture.
> We send you a new {item} at once, there is nothing you need to return.
< That is really kind, thank you!
---
< Are you open on {day}?
> Yes, from 10 to 18 o'clock.
---
< Can I pay by card in the shop?
> Of course, card and cash are both fine.
< 👍
---
< I would like to book the wheel-throwing class for two
> Lovely! The next free one is {day} at 18:30, {price} € each. Shall I put you down?
< Yes! The names are mine and my sister's
> Booked. Please wear something that may get dirty 🙂
< Looking forward to it
---
< Is the {item} dishwasher safe?
> It is. Only the pieces with gold on the rim are not.
---
> Good {time}! Your {item} from order {order} is ready to be collected.
< Great, I come by on {day}
---
> Hello, the {item} in {colour} that you asked for is back in stock.
---
< Do you make the {item} in {colour} as well?
> Not this season, but I can put you on the list for the next firing.
< Please do
> Done. We fire again around {day}.
---
< I need an invoice for order {order}, please with my company's name
> Sure. Which name and address should be on it?
< I send it to you by mail today
---
< Hi, can I change the delivery address of order {order}?
---
< Hello? I have been waiting for an answer since {day}
---
< How much is the {item}?
---
< What a beautiful shop! [picture] This is how the {item} looks in our kitchen
> That looks wonderful, thank you for showing us! May we post it?
< Yes of course
---
< The {item} is a present. Can you wrap it?
> With pleasure, and for free. Would you like a card with it?
< A card would be lovely. Just write: With love from {city}
> It is done, see you {day}!
< See you!
---
< Do you buy back old pieces?
> I am afraid not, but we repair small chips for {price} €.
< Good to know
---
< Order {order}: the parcel says delivered, but I have nothing here
> Let me ask the carrier. I come back to you today.
> They left it with a neighbour in the ground floor.
< Found it! Sorry for the trouble
> No trouble at all 🙂
---
< Could you send me your catalogue?
> [picture] Here is the page with the new {colour} series.
< Beautiful! I take the {item}
"""


@dataclass(frozen=True, slots=True)
class Step:
    """Message of a scene. ours: outbound."""

    ours: bool
    text: str
    picture: bool


def _parse(text: str) -> tuple[Step, ...]:
    steps = []
    for line in filter(None, (raw.strip() for raw in text.splitlines())):
        body = line[2:]
        steps.append(Step(line[0] == ">", body.replace(PICTURE, "").strip(), PICTURE in body))
    return tuple(steps)


SCENES = tuple(_parse(block) for block in _TEXTS.split("---"))


def details(chance: random.Random) -> dict[str, object]:
    """Draw the values for the placeholders of one scene."""
    price = chance.randrange(4, 39)
    return {
        "item": chance.choice(ITEMS),
        "colour": chance.choice(COLOURS),
        "city": chance.choice(CITIES),
        "day": chance.choice(DAYS),
        "order": f"CC-{chance.randrange(10_000, 1_000_000)}",
        "count": chance.randrange(2, 9),
        "price": price,
        "total": price * 2 + 6,
        "time": "morning" if chance.random() < 0.5 else "afternoon",
    }
