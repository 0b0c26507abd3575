"""Mine for a kuai node: python3 miner.py [URL] [BLOCKS]"""
import hashlib, itertools, json, sys, urllib.error, urllib.request

url = (sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:5000").rstrip("/")
wanted = int(sys.argv[2]) if len(sys.argv) > 2 else 1


def ask(path, body=None):
    with urllib.request.urlopen(url + path, body and json.dumps(body).encode()) as answer:
        return json.load(answer)


def search(work):
    """Return the smallest number that meets the target. If another block came first, return any: the node will refuse it."""
    before, after, target = work["text"]["before"], work["text"]["after"], int(work["target"], 16)
    for number in itertools.count():
        found = int(hashlib.sha256(f"{before}{number}{after}".encode()).hexdigest(), 16) <= target
        if found or number % 1_000_000 == 999_999 and ask("/mining/work")["parent"] != work["parent"]:
            return number


while wanted > 0:
    work = ask("/mining/work")
    try:
        number = search(work)
        proof = f"{work['root']}.{number}" if "root" in work else number  # the root of a secure network's block
        block = ask("/mining/submit", {"parent": work["parent"]["hash"], "proof": proof})
        print("block", block["block"]["index"], block["hash"], flush=True)
        wanted -= 1
    except urllib.error.HTTPError as refused:
        if refused.code != 409:  # another block came first: get new work
            raise
