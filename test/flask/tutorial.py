"""The Flask tutorial's blockchain, written anew for kuai's tests.

It behaves as Daniel van Flymen's "Learn Blockchains by Building One" does in its
repository today: the same five endpoints, messages, status codes, proof of work and
consensus. It is the reference that kuai's answers are compared with, so nothing here
is more careful than the tutorial is.

One thing is added. The tutorial stamps its first block with the time of the start, so
that no two nodes share a genesis until one of them has resolved. With
``--genesis classic`` the first block is that of kuai's classic network.
"""

import argparse
import hashlib
import json
import time
import urllib.parse
import uuid

import flask
import requests

CLASSIC_GENESIS_TIME = 1626739200.0  # 2021-07-20T00:00:00Z


class Ledger:
    """A chain of blocks, the payments that wait for the next one, and the neighbours."""

    def __init__(self, genesis_time=None):
        self.blocks = []
        self.waiting = []
        self.neighbours = set()
        self.append_block(proof=100, previous_hash="1", timestamp=genesis_time)

    @property
    def tip(self):
        return self.blocks[-1]

    def append_block(self, proof, previous_hash, timestamp=None):
        block = {
            "index": len(self.blocks) + 1,
            "timestamp": time.time() if timestamp is None else timestamp,
            "transactions": self.waiting,
            "proof": proof,
            "previous_hash": previous_hash,
        }
        self.waiting = []
        self.blocks.append(block)
        return block

    def pay(self, sender, recipient, amount):
        """Queue a payment; the answer is the index of the block that will hold it."""
        self.waiting.append({"sender": sender, "recipient": recipient, "amount": amount})
        return self.tip["index"] + 1

    def add_neighbour(self, address):
        parts = urllib.parse.urlparse(address)
        if parts.netloc:
            self.neighbours.add(parts.netloc)
        elif parts.path:  # an address without a scheme, such as 192.168.0.5:5000
            self.neighbours.add(parts.path)
        else:
            raise ValueError("Invalid URL")

    def resolve(self):
        """Take over the longest valid chain among the neighbours, where it is longer than ours."""
        best, longest = None, len(self.blocks)
        for neighbour in self.neighbours:
            answer = requests.get(f"http://{neighbour}/chain")
            if answer.status_code != 200:
                continue
            claim = answer.json()
            if claim["length"] > longest and valid(claim["chain"]):
                best, longest = claim["chain"], claim["length"]
        if best is None:
            return False
        self.blocks = best
        return True


def fingerprint(block):
    return hashlib.sha256(json.dumps(block, sort_keys=True).encode()).hexdigest()


def fits(last_proof, proof, last_hash):
    guess = f"{last_proof}{proof}{last_hash}".encode()
    return hashlib.sha256(guess).hexdigest()[:4] == "0000"


def search(last_block):
    last_proof, last_hash, proof = last_block["proof"], fingerprint(last_block), 0
    while not fits(last_proof, proof, last_hash):
        proof += 1
    return proof


def valid(blocks):
    for last, block in zip(blocks, blocks[1:]):
        last_hash = fingerprint(last)
        if block["previous_hash"] != last_hash:
            return False
        if not fits(last["proof"], block["proof"], last_hash):
            return False
    return True


def make_app(ledger, identifier):
    app = flask.Flask(__name__)

    @app.route("/mine", methods=["GET"])
    def mine():
        last = ledger.tip
        proof = search(last)
        ledger.pay(sender="0", recipient=identifier, amount=1)
        block = ledger.append_block(proof, fingerprint(last))
        return flask.jsonify({
            "message": "New Block Forged",
            "index": block["index"],
            "transactions": block["transactions"],
            "proof": block["proof"],
            "previous_hash": block["previous_hash"],
        }), 200

    @app.route("/transactions/new", methods=["POST"])
    def new_transaction():
        values = flask.request.get_json()
        if not all(key in values for key in ("sender", "recipient", "amount")):
            return "Missing values", 400
        index = ledger.pay(values["sender"], values["recipient"], values["amount"])
        return flask.jsonify({"message": f"Transaction will be added to Block {index}"}), 201

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
    parser.add_argument("--genesis", choices=["now", "classic"], default="now",
                        help="now: the tutorial's; classic: the first block of kuai's classic network")
    options = parser.parse_args()
    ledger = Ledger(CLASSIC_GENESIS_TIME if options.genesis == "classic" else None)
    make_app(ledger, uuid.uuid4().hex).run(host=options.host, port=options.port)


if __name__ == "__main__":
    main()
