#!/usr/bin/python3
"""Makes the shop's seed data: the same bytes at every run.

    seed.py DIR             writes DIR/users.csv, DIR/products.csv (for COPY) and DIR/buyers.csv
    seed.py --buyers FILE   writes only the feed of the scenario, user name and password in the clear

The password hashes are cheap on purpose (64 rounds of PBKDF2): sample data, not an example to follow.
"""

import base64
import csv
import hashlib
import random
import sys
from pathlib import Path

SEED = 618
USERS = 10_000
PRODUCTS = 1_000
LIMITED = 10  # products that are never restocked, so that "sold out" can be met
ROUNDS = 64

CATEGORIES = ["audio", "books", "camera", "garden", "kitchen", "lamps", "office", "shoes", "sport", "toys"]
ADJECTIVES = ["Quiet", "Bright", "Sturdy", "Light", "Folding", "Wool", "Oak", "Copper", "Swift", "Plain"]
NOUNS = {
    "audio": "Speaker", "books": "Atlas", "camera": "Tripod", "garden": "Spade", "kitchen": "Kettle",
    "lamps": "Lantern", "office": "Stapler", "shoes": "Boots", "sport": "Racket", "toys": "Puzzle",
}


def user_name(number):
    return f"buyer{number:05d}"


def password(number):
    return hashlib.sha256(f"{SEED}/password/{number}".encode()).hexdigest()[:10]


def pass_hash(number):
    salt = hashlib.sha256(f"{SEED}/salt/{number}".encode()).digest()[:12]
    digest = hashlib.pbkdf2_hmac("sha256", password(number).encode(), salt, ROUNDS)
    return "$".join(["pbkdf2_sha256", str(ROUNDS), base64.b64encode(salt).decode(),
                     base64.b64encode(digest).decode()])


def write(path, header, rows):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def buyers(path):
    write(path, ["user", "pass"], ([user_name(n), password(n)] for n in range(1, USERS + 1)))


def users(path):
    write(path, ["id", "name", "pass_hash", "display_name", "email"],
          ([n, user_name(n), pass_hash(n), f"Buyer {n}", f"{user_name(n)}@shop.example"]
           for n in range(1, USERS + 1)))


def products(path):
    chance = random.Random(SEED)
    rows = []
    for number in range(1, PRODUCTS + 1):
        limited = number > PRODUCTS - LIMITED
        category = CATEGORIES[number % len(CATEGORIES)]
        name = f"{chance.choice(ADJECTIVES)} {NOUNS[category]} {number}"
        stock = 5 if limited else chance.randrange(500, 2000)
        rows.append([f"{'LTD' if limited else 'SKU'}-{number:04d}", name, category,
                     chance.randrange(199, 49_900), stock, stock, "f" if limited else "t"])
    write(path, ["sku", "name", "category", "price_cents", "stock", "full_stock", "restocked"], rows)


def main(arguments):
    if len(arguments) == 2 and arguments[0] == "--buyers":
        buyers(arguments[1])
        return 0
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    folder = Path(arguments[0])
    users(folder / "users.csv")
    products(folder / "products.csv")
    buyers(folder / "buyers.csv")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
