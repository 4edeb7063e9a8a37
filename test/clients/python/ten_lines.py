from httpx import Client, Response

relay = Client(base_url="http://127.0.0.1:8000", event_hooks={"response": [Response.raise_for_status]})
alice = {"username": "alice", "password": "correct horse battery"}
me = relay.post("/register", json={**alice, "public_key": "MCowBQYDK2VuAyEAhSDwCYkwp1R0i33ctD73Wg2="}).json()
relay.headers["Authorization"] = "Bearer " + relay.post("/login", data=alice).json()["access_token"]
relay.post("/messages", json={"recipient_id": me["id"], "ciphertext": "a note to myself, encrypted"})
for message in relay.get("/messages").json()["messages"]:
    print(message["sender_id"], message["ciphertext"])
    relay.put(f"/messages/{message['id']}/delivered")
