"""Mine for a kuai node: python3 miner.py [URL] [BLOCKS]"""
import hashlib, itertools, json, sys, urllib.error, urllib.request

url = (sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:5000").rstrip("/")
wanted = int(sys.argv[2]) if len(sys.argv) > 2 else 1


def ask(path, body=None):
    with urllib.request.urlopen(url + path, body and json.dumps(body).encode()) as answer:
        return json.load(answer)


def search(work):
    """Return the smallest proof. Where another block came first, return any: the node will refuse it."""
    before, after, zeros = work["text"]["before"], work["text"]["after"], "0" * work["zeros"]
    for proof in itertools.count():
        found = hashlib.sha256(f"{before}{proof}{after}".encode()).hexdigest().startswith(zeros)
        if found or proof % 1_000_000 == 999_999 and ask("/mining/work")["parent"] != work["parent"]:
            return proof


while wanted > 0:
    work = ask("/mining/work")
    try:
        block = ask("/mining/submit", {"parent": work["parent"]["hash"], "proof": search(work)})
        print("block", block["block"]["index"], block["hash"], flush=True)
        wanted -= 1
    except urllib.error.HTTPError as refused:
        if refused.code != 409:  # another block came first: get new work
            raise
