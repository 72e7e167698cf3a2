"""Code examples for a first message, shown on the page of a new key and in docs/api.md (tested there)."""

CURL = """\
curl "$WHATSFLOW_URL/api/v1/messages/send?wait=10" \\
  -H "X-API-Key: $WHATSFLOW_API_KEY" \\
  -H "Content-Type: application/json" \\
  -H "Idempotency-Key: my-first-message" \\
  -d '{"phoneNumber": "+9992000000001", "message": "Hello from curl!"}'
"""

PYTHON = """\
import json, os, urllib.request

body = json.dumps({"phoneNumber": "+9992000000001", "message": "Hello from Python!"}).encode()
headers = {"X-API-Key": os.environ["WHATSFLOW_API_KEY"], "Content-Type": "application/json"}
url = os.environ["WHATSFLOW_URL"] + "/api/v1/messages/send?wait=10"
print(urllib.request.urlopen(urllib.request.Request(url, body, headers)).read().decode())
"""

JAVASCRIPT = """\
const answer = await fetch(`${process.env.WHATSFLOW_URL}/api/v1/messages/send?wait=10`, {
  method: "POST", headers: { "X-API-Key": process.env.WHATSFLOW_API_KEY, "Content-Type": "application/json" },
  body: JSON.stringify({ phoneNumber: "+9992000000001", message: "Hello from JavaScript!" }),
});
console.log(JSON.stringify(await answer.json()));
"""


def environment(url: str, key: str) -> str:
    """Return the shell commands that set the variables of the examples."""
    return f"export WHATSFLOW_URL={url}\nexport WHATSFLOW_API_KEY={key}\n"


def all_of(url: str, key: str) -> list[dict[str, str]]:
    """List the examples with URL and key filled in: title, note (optional), code."""
    return [
        {"title": "In a terminal, first", "code": environment(url, key)},
        {"title": "curl", "code": CURL},
        {"title": "Python", "note": "Save it as first.py and run: python3 first.py", "code": PYTHON},
        {"title": "JavaScript", "note": "Save it as first.mjs and run: node first.mjs", "code": JAVASCRIPT},
    ]
