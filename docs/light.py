"""Check one payment of a secure kuai network without its blocks: python3 light.py NETWORK-FILE PAYMENT-ID URL...

The network file is trusted, the nodes at the URLs are not: what they answer is checked, and the chain with the most work counts.
"""
import hashlib, json, math, sys, time, urllib.error, urllib.request


def check(right, wrong):
    if not right:
        raise ValueError(wrong)


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def leaf(value):  # of a block's tree: value's canonical JSON
    return sha256(b"\0", json.dumps(value, sort_keys=True).encode())


def root(node, i, count, path):
    """Return the root above leaf number i of count. path has the other halves, the lowest first."""
    path, last = [bytes.fromhex(half) for half in path], count - 1
    check(0 <= i <= last, "a leaf is outside of its tree")
    while last > 0:
        if i % 2 or i < last:  # else the node has no other half on this level
            check(path, "a path is too short")
            node = sha256(b"\1", path.pop(0), node) if i % 2 else sha256(b"\1", node, path.pop(0))
        i, last = i // 2, last // 2
    check(not path, "a path is too long")
    return node.hex()


def target(rules, parent):
    """Return what the hash of a proof on parent is at most: ASERT with a half-life of 20 blocks."""
    seconds, start = rules["block_seconds"], rules["genesis"]["timestamp"]
    drift = (math.floor(parent["timestamp"]) - math.floor(start) - seconds * (parent["index"] - 1)) * 65536
    exponent = abs(drift) // (20 * seconds) * (-1 if drift < 0 else 1)
    shifts, r = max(-300, min(exponent >> 16, 300)), exponent & 65535
    factor = ((195766423245049 * r + 971821376 * r**2 + 5127 * r**3 + 2**47) >> 48) + 65536
    return max(1, min(int(rules["first_target"], 16) * factor << 300 >> 316 - shifts, 2**240 - 1))


def ask(url, path):
    try:
        with urllib.request.urlopen(url.rstrip("/") + path, timeout=10) as answer:
            return json.loads(answer.read(1 << 24))
    except urllib.error.HTTPError as refusal:
        text = refusal.read(1 << 16)
        raise ValueError(ascii(json.loads(text)["detail"]) if b'"detail"' in text else refusal)


def follow(rules, url):
    """Return the headers after the genesis block, and their work. A header's proof seals it, and names the work on it."""
    headers, work, last = [], 0, rules["genesis"]
    last_hash = sha256(json.dumps(last, sort_keys=True).encode()).hex()
    while page := ask(url, f"/headers?from={last['index'] + 1}")["headers"]:
        for block in page:
            check(block["index"] == last["index"] + 1 and block["previous_hash"] == last_hash, "a block does not follow the one before")
            latest = time.time() + max(3 * rules["block_seconds"], 15)
            check(last["timestamp"] < block["timestamp"] <= latest, "a block's time is not between the one before and now")
            sealed = {key: block[key] for key in ("index", "previous_hash", "timestamp")}
            check(root(leaf(sealed), 0, block["leaves"], block["path"]) == block["proof"].split(".")[0], "a proof does not seal its block")
            found, most = sha256(f"{last['proof']}{block['proof']}{last_hash}".encode()), target(rules, last)
            check(int.from_bytes(found, "big") <= most, "a proof misses its target")
            headers.append(block)
            work, last, last_hash = work + 2**256 // (most + 1), block, block["hash"]
    return headers, work


def payment(rules, wanted, url):
    """Return the work of the node's chain, and what it says of the payment."""
    headers, work = follow(rules, url)
    proof = ask(url, f"/transactions/{wanted}/proof")
    tx, index = proof["transaction"], proof["block"]["index"]
    check(tx["id"] == wanted, "the proof is of another payment")
    check(2 <= index <= len(headers) + 1, "the payment's block is not on the chain")
    block = headers[index - 2]
    check(root(leaf(tx), proof["leaf"], block["leaves"], proof["path"]) == block["proof"].split(".")[0], "the block does not hold the payment")
    return work, f"{tx['amount']} from {tx['sender']} to {tx['recipient']} in block {index}, {len(headers) + 2 - index} confirmations"


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__.splitlines()[0])
    try:
        with open(sys.argv[1]) as file:
            network = json.load(file)
    except (OSError, ValueError) as wrong:
        sys.exit(f"the network file cannot be read: {wrong}")
    best = (0, "no node has proved the payment")
    for node in sys.argv[3:]:
        try:
            best = max(best, payment(network, sys.argv[2], node))
        except Exception as refused:  # whatever a node answers
            print(f"{node}: refused: {refused}", file=sys.stderr)
    print(best[1])
    sys.exit(best[0] == 0)
