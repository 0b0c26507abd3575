"""Mine for a kuai node: python3 miner.py [URL] [BLOCKS]"""
import hashlib, json, sys, urllib.error, urllib.request

url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:5000"
wanted = int(sys.argv[2]) if len(sys.argv) > 2 else 1


def ask(path, body=None):
    data = json.dumps(body).encode() if body else None
    with urllib.request.urlopen(url + path, data) as answer:
        return json.load(answer)


def search(work):
    """Return the smallest proof, or None where another block came first."""
    before, after, zeros = work["text"]["before"], work["text"]["after"], "0" * work["zeros"]
    proof = 0
    while not hashlib.sha256(f"{before}{proof}{after}".encode()).hexdigest().startswith(zeros):
        proof += 1
        if proof % 1_000_000 == 0 and ask("/mining/work")["parent"] != work["parent"]:
            return None
    return proof


while wanted > 0:
    work = ask("/mining/work")
    proof = search(work)
    try:
        if proof is not None:
            block = ask("/mining/submit", {"parent": work["parent"]["hash"], "proof": proof})
            print("block", block["block"]["index"], block["hash"], flush=True)
            wanted -= 1
    except urllib.error.HTTPError as refused:
        if refused.code != 409:  # 409: another block came first, search anew
            raise
