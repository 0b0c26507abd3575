"""The Flask tutorial's node on a secure kuai network: it checks all that a kuai node checks.

    python3 secure.py NETWORK-FILE -p 5000

The tutorial's own program follows such a network, too, and believes whatever proof starts with
four zeros. Here everything from NUMBERS to valid checks what that leaves out: signatures, balances,
the target, the time and what a proof seals. It takes the chain with the most work. It does not mine, and
takes no payments: kuai's nodes do.
"""

import argparse
import hashlib
import json
import math
import re
import time
import urllib.parse

import flask
import requests

class Ledger:
    """A chain of blocks, the rules of its network, and the neighbours."""

    def __init__(self, rules):
        self.rules = rules
        self.blocks = [rules["genesis"]]
        self.work = 0
        self.neighbours = set()

    def add_neighbour(self, address):
        parts = urllib.parse.urlparse(address)
        if parts.netloc:
            self.neighbours.add(parts.netloc)
        elif parts.path:  # an address without a scheme, such as 192.168.0.5:5000
            self.neighbours.add(parts.path)
        else:
            raise ValueError("Invalid URL")

    def resolve(self):
        """Take over the valid chain with the most work among the neighbours, where it is more than ours."""
        best, most = None, self.work
        for neighbour in self.neighbours:
            answer = requests.get(f"http://{neighbour}/chain")
            if answer.status_code != 200:
                continue
            try:
                work = valid(self.rules, answer.json()["chain"])
            except Exception as wrong:  # whatever a neighbour answers
                print(f"{neighbour}: {wrong}")
                continue
            if work > most:
                best, most = answer.json()["chain"], work
        if best is None:
            return False
        self.blocks, self.work = best, most
        return True


def fingerprint(block):
    return hashlib.sha256(json.dumps(block, sort_keys=True).encode()).hexdigest()


NUMBERS = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"  # base58's
USUAL = {"block_seconds": 10, "first_target": "0000" + "f" * 60, "reward": 1}  # what a network file may leave out
LIMITS = {"block_bytes": 262144, "block_transactions": 2000, "transaction_bytes": 4096}


def check(right, wrong):
    if not right:
        raise ValueError(wrong)


def integer(value, least, most):
    return type(value) is int and least <= value <= most


def canonical(value):
    return json.dumps(value, sort_keys=True).encode()


def read_rules(file):
    """Return the rules of a network file, and under "id" what the network's signatures name."""
    rules = {**USUAL, **json.load(file)}
    rules["limits"] = {**LIMITS, **rules.get("limits", {})}
    check(rules["profile"] == "secure", "the network is not a secure one")
    named = {key: rules[key] for key in ("block_seconds", "first_target", "limits", "profile", "reward")}
    named.update(genesis=fingerprint(rules["genesis"]), version=2)
    return {"id": hashlib.sha256(canonical(named)).hexdigest()[:16] + "-2", **rules}


def key_of(address):
    """Return the Ed25519 key that an address is the peer id of."""
    check(type(address) is str and re.fullmatch(f"[{NUMBERS}]{{52}}", address), "an address is not a peer id")
    number = 0
    for character in address:
        number = number * 58 + NUMBERS.index(character)
    check(number >> 256 == 0x002408011220, "an address is not that of an Ed25519 key")
    return (number % 2**256).to_bytes(32, "big")


P, ORDER = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P


def point(raw):
    """Decode a point as ZIP 215 has it: any y, and both signs of x = 0."""
    y, sign = int.from_bytes(raw, "little") % 2**255 % P, raw[31] >> 7
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    check(x * x % P == square, "a signature or a key is not a point")
    x = P - x if x % 2 != sign else x
    return x, y, 1, x * y % P


def plus(a, b):
    e, f = (a[1] - a[0]) * (b[1] - b[0]), (a[1] + a[0]) * (b[1] + b[0])
    g, h = 2 * D * a[3] * b[3], 2 * a[2] * b[2]
    e, f, g, h = f - e, h - g, h + g, f + e
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(n, a):
    total = (0, 1, 1, 0)
    while n:
        if n % 2:
            total = plus(total, a)
        n, a = n // 2, plus(a, a)
    return total


BASE = point((4 * pow(5, -1, P) % P).to_bytes(32, "little"))


def check_signature(key, message, signature):
    """Check 8·s·B = 8·R + 8·k·A."""
    s = int.from_bytes(signature[32:], "little")
    check(s < ORDER, "a signature's scalar is too large")
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % ORDER
    x, y, z, _ = times(8, plus(plus(times(s, BASE), times(ORDER * 8 - k, point(key))), times(ORDER * 8 - 1, point(signature[:32]))))
    check(x % P == 0 and (y - z) % P == 0, "a signature is wrong")


def root(nodes):
    """Return the root of RFC 6962's tree with these leaf hashes."""
    if len(nodes) == 1:
        return nodes[0]
    left = 1 << (len(nodes) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + root(nodes[:left]) + root(nodes[left:])).digest()


def target(rules, last):
    """Return what the hash of the next proof is at most: ASERT with a half-life of 20 blocks."""
    seconds, first, genesis = rules["block_seconds"], rules["first_target"], rules["genesis"]
    drift = (math.floor(last["timestamp"]) - math.floor(genesis["timestamp"]) - seconds * (last["index"] - 1)) * 65536
    exponent = abs(drift) // (20 * seconds) * (-1 if drift < 0 else 1)
    shifts, r = max(-300, min(exponent >> 16, 300)), exponent & 65535
    factor = ((195766423245049 * r + 971821376 * r**2 + 5127 * r**3 + 2**47) >> 48) + 65536
    return max(1, min(int(first, 16) * factor << 300 >> 316 - shifts, 2**240 - 1))


def check_header(rules, last, block):
    """Check what follows from the block before. The answer is the block's work."""
    limits = rules["limits"]
    check(set(block) == {"index", "previous_hash", "proof", "timestamp", "transactions"}, "a block has other keys")
    check(len(canonical(block)) <= limits["block_bytes"], "a block is too large")
    check(1 <= len(block["transactions"]) <= limits["block_transactions"], "a block has too many or no transactions")
    check(all(len(canonical(t)) <= limits["transaction_bytes"] for t in block["transactions"]), "a transaction is too large")
    check(type(block["index"]) is int and block["index"] == last["index"] + 1, "an index is not the next")
    check(block["previous_hash"] == fingerprint(last), "a block does not name the one before")
    latest = time.time() + max(3 * rules["block_seconds"], 15)
    check(type(block["timestamp"]) in (int, float) and last["timestamp"] < block["timestamp"] <= latest, "a time is not between the one before and now")
    check(re.fullmatch(r"[0-9a-f]{64}\.(0|[1-9][0-9]{0,18})", block["proof"]) and int(block["proof"][65:]) < 2**63, "a proof has another form")
    sealed = [{key: block[key] for key in ("index", "previous_hash", "timestamp")}] + block["transactions"]
    check(root([hashlib.sha256(b"\0" + canonical(t)).digest() for t in sealed]).hex() == block["proof"][:64], "a proof seals another block")
    guess = f"{last['proof']}{block['proof']}{block['previous_hash']}".encode()
    check(int(hashlib.sha256(guess).hexdigest(), 16) <= target(rules, last), "a proof misses its target")
    return 2**256 // (target(rules, last) + 1)


def apply(rules, balances, ids, transactions):
    """Pay what the transactions of a block say, the reward last."""
    *payments, reward = transactions
    for payment in payments:
        check(set(payment) == {"amount", "id", "recipient", "sender", "signature"}, "a payment has other keys")
        check(integer(payment["amount"], 1, 2**53 - 1), "an amount is not an integer from 1 to 2^53-1")
        check(re.fullmatch("[0-9a-f]{32}", payment["id"]) and payment["id"] not in ids, "an id has another form, or occurs twice")
        check(re.fullmatch("[0-9a-f]{128}", payment["signature"]), "a signature has another form")
        key_of(payment["recipient"])
        unsigned = {key: payment[key] for key in payment if key != "signature"}
        message = f"kuai-tx-1\n{rules['id']}\n".encode() + canonical(unsigned)
        check_signature(key_of(payment["sender"]), message, bytes.fromhex(payment["signature"]))
        ids.add(payment["id"])
        balances[payment["sender"]] = balances.get(payment["sender"], 0) - payment["amount"]
        check(balances[payment["sender"]] >= 0, "a payment exceeds the sender's balance")
        balances[payment["recipient"]] = balances.get(payment["recipient"], 0) + payment["amount"]
    check(set(reward) == {"amount", "recipient", "sender"} and reward["sender"] == "0", "the last transaction is not a reward")
    check(type(reward["amount"]) is int and reward["amount"] == rules["reward"], "a reward has another amount")
    key_of(reward["recipient"])
    balances[reward["recipient"]] = balances.get(reward["recipient"], 0) + reward["amount"]


def valid(rules, blocks):
    """Check a chain from its first block. The answer is its work."""
    check(canonical(blocks[0]) == canonical(rules["genesis"]), "the chain has another first block")
    balances, ids, work = {}, set(), 0
    for endowment in blocks[0]["transactions"]:
        balances[endowment["recipient"]] = balances.get(endowment["recipient"], 0) + endowment["amount"]
    for last, block in zip(blocks, blocks[1:]):
        work += check_header(rules, last, block)
        apply(rules, balances, ids, block["transactions"])
    return work


def make_app(ledger):
    app = flask.Flask(__name__)

    @app.route("/chain", methods=["GET"])
    def full_chain():
        return flask.jsonify({"chain": ledger.blocks, "length": len(ledger.blocks)}), 200

    @app.route("/nodes/register", methods=["POST"])
    def register():
        nodes = flask.request.get_json().get("nodes")
        if nodes is None:
            return "Error: Please supply a valid list of nodes", 400
        for node in nodes:
            ledger.add_neighbour(node)
        return flask.jsonify({
            "message": "New nodes have been added",
            "total_nodes": list(ledger.neighbours),
        }), 201

    @app.route("/nodes/resolve", methods=["GET"])
    def consensus():
        if ledger.resolve():
            return flask.jsonify({"message": "Our chain was replaced", "new_chain": ledger.blocks}), 200
        return flask.jsonify({"message": "Our chain is authoritative", "chain": ledger.blocks}), 200

    return app


def main():
    parser = argparse.ArgumentParser(description="the tutorial's node")
    parser.add_argument("-p", "--port", default=5000, type=int, help="port to listen on")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("network", metavar="NETWORK-FILE", help="rules of the network, as kuai network show prints them")
    options = parser.parse_args()
    with open(options.network) as file:
        ledger = Ledger(read_rules(file))
    make_app(ledger).run(host=options.host, port=options.port)


if __name__ == "__main__":
    main()
