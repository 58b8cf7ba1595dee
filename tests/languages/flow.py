"""A video from a script with `httpx` and `httpx-sse`: `flow.py URL FILE`."""

import sys
import time
import uuid

import httpx
from httpx_sse import connect_sse

url, path = sys.argv[1:3]
ATTRIBUTION = {
    "X-Skill-Source": "nemovideo-python-flow",
    "X-Skill-Version": "1.0.0",
    "X-Skill-Platform": "unknown",
}
MESSAGE = "Make a voiceover of this script: Hello from Python."


def data_of(response):
    """Returns the data of an envelope: a code other than 0 is an error also under status 200."""
    response.raise_for_status()
    envelope = response.json()
    if envelope.get("code", 0) != 0:
        raise SystemExit(f"error {envelope['code']}: {envelope.get('message')}")
    return envelope.get("data", envelope)


with httpx.Client(base_url=url, headers=ATTRIBUTION, timeout=60) as api:
    # Token.
    client_id = {"X-Client-Id": str(uuid.uuid4())}
    token = data_of(api.post("/api/auth/anonymous-token", headers=client_id))["token"]
    api.headers["Authorization"] = f"Bearer {token}"

    # Session.
    new = {"task_name": "project", "language": "en"}
    session = data_of(api.post("/api/tasks/me/with-session/nemo_agent", json=new))["session_id"]

    # Message: a stream of events, in the form of the agent server.
    message = {
        "app_name": "nemo_agent",
        "user_id": "me",
        "session_id": session,
        "new_message": {"parts": [{"text": MESSAGE}]},
    }
    texts = []
    with connect_sse(api, "POST", "/run_sse", json=message) as events:
        for event in events.iter_sse():
            if not event.data.startswith("{"):
                continue  # a heartbeat
            content = event.json().get("content") or {}
            texts += [part["text"] for part in content.get("parts", []) if "text" in part]
    print("agent:", " ".join(texts) or "(silent)")

    # State, with the draft.
    state = data_of(api.get(f"/api/state/nemo_agent/me/{session}/latest"))["state"]
    draft = state["draft"]
    assert any(track.get("sg") for track in draft["t"]), "the draft is empty"

    # Render, polled until it is done.
    render = {
        "id": f"render_{uuid.uuid4()}",
        "sessionId": session,
        "draft": draft,
        "output": {"format": "mp4", "quality": "high"},
    }
    api.post("/api/render/proxy/lambda", json=render).raise_for_status()
    for _ in range(600):
        status = api.get(f"/api/render/proxy/lambda/{render['id']}").raise_for_status().json()
        if status["status"] in ("completed", "failed"):
            break
        time.sleep(0.1)
    assert status["status"] == "completed", status

# Download, from another host in general: without the token and the attribution.
video = httpx.get(status["output"]["url"], timeout=60).raise_for_status().content
assert video[4:8] == b"ftyp", "not an MP4 file"
with open(path, "wb") as file:
    file.write(video)
print(f"{path}: {len(video)} bytes")
